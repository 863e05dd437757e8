"""How many streams may be read at once over HTTP, by a client and by all."""

import asyncio

import httpx
import pytest
from starlette.requests import Request

import streamui as ui
from streamui.http.client import address_of
from streamui.http.site import site
from streamui.server.limits import connections
from streamui.settings import settings
from streamui.store.store import store
from tests.http.serving import answering, rebuilt, records, serving, until

pytestmark = pytest.mark.slow


@pytest.fixture
def behind_proxy(monkeypatch):
    monkeypatch.setattr(site, "_proxies", lambda: 1)


@pytest.fixture
async def client():
    async with serving(ui.routes()) as client:
        yield client
    assert len(connections) == 0
    assert not connections._owners


def owned(page, text="text"):
    """A stream that was given to a page."""
    value = ui.StreamableValue(text)
    store.add(value.id, value.log)
    store.grant(value.id, page)
    return value


def linked(value):
    """A link to a stream, on whichever server."""
    return f"/streams/{value.id}?{ui.stream_url(value).partition('?')[2]}"


class Readers:
    """Clients that read to the end, on plain sockets: a thousand of those are cheap."""

    def __init__(self, client):
        self.url = client.base_url
        self.answers = []
        self.tasks = []

    async def _read(self, value, page):
        reader, writer = await asyncio.open_connection(self.url.host, self.url.port)
        head = f"GET /streams/{value.id} HTTP/1.0\r\nreflex-client-token: {page}\r\n\r\n"
        writer.write(head.encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        status, *lines = head.decode().splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        answer = httpx.Response(int(status.split()[1]), headers=headers, content=body)
        self.answers.append(answer)
        return answer

    def start(self, value, page, number=1):
        self.tasks += [asyncio.create_task(self._read(value, page)) for _ in range(number)]

    async def open(self, number):
        await until(lambda: len(connections) + len(self.answers) == number, 60)

    @property
    def refused(self):
        return [answer for answer in self.answers if answer.status_code == 429]


async def test_fault_28_one_user_opens_a_thousand_readers_and_another_is_served(client):
    mine, others = owned("mine"), owned("another")
    readers = Readers(client)
    readers.start(mine, "mine", 1000)
    await readers.open(1000)
    assert len(readers.refused) == 1000 - settings.connections_per_client
    answer = readers.refused[0]
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "code": "limit",
        "message": "That is more than this server allows at once. Try again in a moment.",
    }
    readers.start(others, "another")
    await readers.open(1001)
    others.append(" and the end").done()
    await asyncio.wait_for(readers.tasks[-1], 30)
    assert rebuilt(records(readers.answers[-1].content)) == "text and the end"
    mine.done()
    await asyncio.gather(*readers.tasks)
    # A place that was given back can be taken again.
    response = await client.get(f"/streams/{mine.id}", headers={"reflex-client-token": "mine"})
    assert response.status_code == 200


async def test_all_clients_together_have_a_limit(client, monkeypatch):
    monkeypatch.setattr(settings, "connections", 3)
    values = [owned(f"page {number}") for number in range(5)]
    readers = Readers(client)
    for number, value in enumerate(values):
        readers.start(value, f"page {number}")
        await readers.open(number + 1)
    assert len(readers.refused) == 2
    for value in values:
        value.done()
    await asyncio.gather(*readers.tasks)


async def test_zero_is_no_limit(client, monkeypatch):
    monkeypatch.setattr(settings, "connections_per_client", 0)
    monkeypatch.setattr(settings, "connections", 0)
    value = owned("page")
    readers = Readers(client)
    readers.start(value, "page", 120)
    await readers.open(120)
    assert not readers.refused
    value.done()
    await asyncio.gather(*readers.tasks)


async def test_links_are_counted_by_the_address_that_a_trusted_proxy_saw(
    client, monkeypatch, behind_proxy
):
    monkeypatch.setattr(settings, "connections_per_client", 2)
    value = ui.StreamableValue("text")
    url = linked(value)
    tasks = []

    def read(address):
        # A page's token opens nothing here, and is no way around the limit.
        headers = {"x-forwarded-for": f"8.8.8.8, {address}", "reflex-client-token": f"{len(tasks)}"}
        tasks.append(asyncio.create_task(client.get(url, headers=headers)))

    for address in ["192.0.2.1"] * 3 + ["192.0.2.2"]:
        read(address)
    await until(lambda: len(connections) == 3 and sum(task.done() for task in tasks) == 1)
    value.done()
    answers = await asyncio.gather(*tasks)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429]
    assert answers[-1].status_code == 200


@pytest.mark.parametrize(
    ("seen", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5123", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("[2001:DB8:1:2::7]:5123", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_is_counted_with_all_that_its_owner_has(monkeypatch, seen, counted):
    monkeypatch.setattr(site, "_proxies", lambda: 1)
    headers = [(b"x-forwarded-for", seen.encode())]
    assert address_of(Request({"type": "http", "headers": headers})) == counted
    monkeypatch.setattr(site, "_proxies", lambda: 0)
    peer = {"type": "http", "headers": headers, "client": (seen, 1)}
    assert address_of(Request(peer)) == ("" if seen == "unknown" else counted)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_what_comes_from_this_machine_may_be_anybody(monkeypatch, peer):
    monkeypatch.setattr(site, "_proxies", lambda: 0)
    assert address_of(Request({"type": "http", "headers": [], "client": (peer, 1)})) == ""


async def test_a_proxy_that_is_not_known_as_one_is_not_taken_for_a_client(client, monkeypatch):
    monkeypatch.setattr(settings, "connections_per_client", 1)
    value = ui.StreamableValue("text")
    url = linked(value)
    tasks = [asyncio.create_task(client.get(url)) for _ in range(5)]
    await until(lambda: len(connections) == 5)
    value.done()
    assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {200}


async def test_a_response_of_the_apps_own_is_counted_and_its_source_let_go_of(
    monkeypatch, behind_proxy
):
    monkeypatch.setattr(settings, "connections_per_client", 1)
    go_on, begun, closed = asyncio.Event(), [], []

    class Source:
        def __aiter__(self):
            return self

        async def __anext__(self):
            begun.append(self)
            await go_on.wait()
            raise StopAsyncIteration

        async def aclose(self):
            closed.append(self)

    async with serving(answering(lambda: ui.sse_response(Source()))) as client:
        headers = {"x-forwarded-for": "192.0.2.1"}
        first = asyncio.create_task(client.get("/", headers=headers))
        await until(lambda: begun)
        refused = await client.get("/", headers=headers)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert (len(begun), len(closed)) == (1, 1)
        go_on.set()
        assert (await first).status_code == 200
    assert len(connections) == 0


async def test_a_browser_of_another_origin_may_read_why_it_was_refused(monkeypatch):
    monkeypatch.setattr(settings, "connections", 1)
    value = owned("page")
    headers = {"origin": "https://app.example.org", "reflex-client-token": "page"}
    async with serving(ui.routes(origins=["https://app.example.org"])) as client:
        first = asyncio.create_task(client.get(f"/streams/{value.id}", headers=headers))
        await until(lambda: len(connections) == 1)
        refused = await client.get(f"/streams/{value.id}", headers=headers)
        assert refused.status_code == 429
        assert refused.headers["access-control-allow-origin"] == "https://app.example.org"
        value.done()
        await first
