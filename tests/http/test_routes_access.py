"""Who may read and stop a stream over HTTP, and what everybody else learns: nothing."""

import asyncio
import re
import time

import httpx
import pytest

import streamui as ui
from streamui.http import links, routes
from streamui.http.links import TOKEN
from streamui.http.site import site
from streamui.http.stream_response import open_responses
from streamui.server import access
from streamui.store.redis.engine import RedisEngine
from streamui.store.store import Store, store
from tests.http.serving import events, read_on, rebuilt, records, serving, until
from tests.http.test_routes import NDJSON, PAGE, TEXT, given
from tests.store.redis_server import redis_server

pytestmark = pytest.mark.slow

STRANGER = {"reflex-client-token": "another-page"}


@pytest.fixture(autouse=True)
def without_reflex(monkeypatch):
    monkeypatch.setattr(site, "_address", lambda: "")  # other tests may have loaded it


@pytest.fixture
def value():
    value = ui.StreamableValue("mine")
    yield value
    value.cancel()


@pytest.fixture
async def client():
    async with serving(ui.routes()) as client:
        yield client


# -- one answer for whatever is not yours -----------------------------------------------------


async def test_fault_56_57_unknown_foreign_and_forged_all_have_the_same_answer(client, value):
    path = given(value)
    other, third = ui.StreamableValue("other").done(), ui.StreamableValue("third").done()
    store.add(other.id, other.log)
    link = ui.stream_url(value).partition("?")[2]
    stranger = {"headers": STRANGER}
    asked = [
        ("/streams/AAAAAAAAAAAAAAAAAAAAAA", {"headers": PAGE}),  # guessed
        (f"/streams/{other.id}", {"headers": PAGE}),  # never given to anybody
        (path, {}),  # nothing shown
        (path, stranger),
        (path, {"headers": {"reflex-client-token": ""}}),
        (path, {"headers": {"reflex-client-token": "x" * 10_000}}),
        (f"{path}?{TOKEN}=", {}),
        (f"{path}?{TOKEN}=1", {}),
        (f"{path}?{TOKEN}={'9' * 13}.forged", {}),
        (f"{path}?{TOKEN}={'9' * 9000}.x", {}),
        (f"{path}?{TOKEN}=%00%ff%f0", {}),
        (f"{path}?{link}x", {}),
        (f"{given(third)}?{link}", {}),  # a link to another stream
        (f"/streams/AAAAAAAAAAAAAAAAAAAAAA?{link}", {}),
    ]
    for method in ("GET", "DELETE", "HEAD"):
        answers = [await client.request(method, path, **options) for path, options in asked]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert len({_told(answer) for answer in answers}) == 1
    assert value.streaming, "nobody has stopped it"
    assert not open_responses


def _told(answer):
    return tuple(sorted((name, text) for name, text in answer.headers.items() if name != "date"))


async def test_fault_56_57_what_a_stranger_asks_is_not_looked_up(client, value, monkeypatch):
    opened = []
    monkeypatch.setattr(store, "open", opened.append)
    for path in (given(value), "/streams/AAAAAAAAAAAAAAAAAAAAAA"):
        for method in ("GET", "DELETE"):
            await client.request(method, path, headers=STRANGER)
    assert opened == [], "no difference in time, either"


async def test_fault_57_mistakes_are_answered_alike_whether_there_is_a_stream_or_not(client, value):
    for headers in ({"accept": "text/html"}, {"last-event-id": "x"}, TEXT, NDJSON):
        answers = [
            await client.get(path, headers={**STRANGER, **headers})
            for path in (given(value), "/streams/AAAAAAAAAAAAAAAAAAAAAA")
        ]
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].content == answers[1].content


async def test_the_page_that_was_given_a_stream_may_read_and_stop_it(client, value):
    path = given(value)
    assert (await client.delete(path, headers=PAGE)).status_code == 204
    answer = await client.get(path, headers=PAGE)
    assert records(answer.content)[-1]["status"] == "cancelled"


# -- links ----------------------------------------------------------------------------------


async def test_a_link_reads_and_stops_without_a_page(client, value):
    url = ui.stream_url(value, expires=60)
    reading = asyncio.create_task(client.get(url))
    await until(lambda: open_responses)
    assert (await client.delete(url)).status_code == 204
    assert records((await reading).content)[-1]["status"] == "cancelled"


async def test_fault_58_a_link_that_has_expired_is_401(client, value):
    url = ui.stream_url(value, expires=-0.01)
    for method in ("GET", "DELETE"):
        answer = await client.request(method, url)
        assert answer.status_code == 401
        assert answer.json() == {
            "code": "expired",
            "message": "This link has expired. Ask for a new one.",
        }
        assert "www-authenticate" in answer.headers
    assert value.streaming
    given(value)
    assert (await client.head(url, headers=PAGE)).status_code == 200, "its page needs no link"


@pytest.mark.parametrize("form", [{}, NDJSON])
async def test_fault_58_an_open_stream_is_closed_when_its_link_expires(client, value, form):
    url = ui.stream_url(value, expires=0.3)
    begun = time.monotonic()
    async with client.stream("GET", url, headers=form) as answer:
        body, proper = await read_on(answer)
    assert 0.2 < time.monotonic() - begun < 5
    assert not proper
    said = records(body, answer.headers["content-type"])
    assert rebuilt(said) == "mine"
    assert not any("status" in record for record in said), "the stream itself goes on"
    assert (await client.get(url, headers=form)).status_code == 401
    value.append("!")
    fresh = ui.stream_url(value)
    value.done()
    rest = records((await client.get(fresh, headers={"last-event-id": "1"})).content)
    assert rebuilt(rest, "mine") == "mine!"


async def test_a_link_cannot_be_made_to_last(client, value):
    url = ui.stream_url(value, expires=-1)
    path, _, token = url.partition(f"?{TOKEN}=")
    later = str(int(token.partition(".")[0]) + 10**9) + token[token.index(".") :]
    assert (await client.get(f"{path}?{TOKEN}={later}")).status_code == 404
    # Nor used as what it is not.
    for name in (token, f"link:{token}"):
        answer = await client.get(path, headers={"reflex-client-token": name})
        assert answer.status_code == 404


async def test_links_are_signed_with_the_secret_that_is_set(client, value, monkeypatch):
    monkeypatch.setenv("STREAMUI_SECRET", "one")
    url = ui.stream_url(value)
    monkeypatch.setattr(access, "_own_secret", b"that of another process")
    assert (await client.head(url)).status_code == 200
    monkeypatch.setenv("STREAMUI_SECRET", "two")
    assert (await client.head(url)).status_code == 404


async def test_without_a_secret_other_processes_are_told_of_a_link(client, value, monkeypatch):
    with redis_server() as redis:
        here, there = Store(RedisEngine(redis.url)), Store(RedisEngine(redis.url))

        def enter(process: Store, secret: bytes) -> None:
            monkeypatch.setattr(access, "_own_secret", secret)
            for module in (access, links, routes):
                monkeypatch.setattr(module, "store", process)

        enter(here, b"of this process")
        url, late = ui.stream_url(value), ui.stream_url(value, expires=-1)
        enter(there, b"of that process")
        await settled_to(200, lambda: client.head(url))
        await settled_to(401, lambda: client.head(late))
        assert (await client.head(url + "x")).status_code == 404
        path, _, token = late.partition(f"?{TOKEN}=")
        for name in (token, f"link:{token}"):
            answer = await client.head(path, headers={"reflex-client-token": name})
            assert answer.status_code == 404, "it would never expire"
        await here.close()
        await there.close()


async def settled_to(status, ask):
    """Ask until what one process has said has come to the other."""
    async with asyncio.timeout(10):
        while (await ask()).status_code != status:
            await asyncio.sleep(0.01)


# -- the hook -------------------------------------------------------------------------------


async def test_the_hook_lets_others_in_and_is_asked_about_any_id(value):
    asked = []

    async def authorize(request, stream):
        asked.append(stream)
        return request.headers.get("x-user") == "friend"

    path = given(value)
    async with serving(ui.routes(authorize=authorize)) as client:
        assert (await client.head(path, headers={"x-user": "friend"})).status_code == 200
        assert (await client.head(path, headers={"x-user": "foe"})).status_code == 404
        unknown = await client.get("/streams/unknown", headers={"x-user": "friend"})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "lost")
        assert asked == [value.id, value.id, "unknown"]
        assert (await client.head(path, headers=PAGE)).status_code == 200
        assert len(asked) == 3, "the page that has it needs no permission"
        assert (await client.delete(path, headers={"x-user": "foe"})).status_code == 404
        assert value.streaming
        assert (await client.delete(path, headers={"x-user": "friend"})).status_code == 204
        assert value.status == "cancelled"


async def test_the_hook_is_not_asked_about_what_can_be_no_id():
    asked = []

    def authorize(request, stream):
        asked.append(stream)
        return True

    async with serving(ui.routes(authorize=authorize)) as client:
        for name in ("a" * 65, "a%00", "a%0ab", "a.b", "%f0%9f", "a'b", "a b"):
            assert (await client.get(f"/streams/{name}")).status_code == 404
    assert asked == []


@pytest.mark.parametrize("answer", [False, None, 0, ""])
async def test_a_hook_that_does_not_say_yes_says_no(value, answer):
    async with serving(ui.routes(authorize=lambda request, stream: answer)) as client:
        assert (await client.head(given(value))).status_code == 404


async def test_a_hook_that_fails_lets_nobody_in_and_shows_nothing(value, caplog):
    def authorize(request, stream):
        raise KeyError("secret of the app")

    async with serving(ui.routes(authorize=authorize)) as client:
        for path in (given(value), "/streams/unknown"):
            answer = await client.get(path)
            assert answer.status_code == 500
            assert "secret" not in answer.text
            assert answer.json()["reference"] in caplog.text


# -- other sites ----------------------------------------------------------------------------


@pytest.fixture
def allowed(monkeypatch):
    """Reflex's configuration, as the page layer hands it in."""
    origins = ["https://app.example"]
    monkeypatch.setattr(site, "_origins", lambda: origins)
    return origins


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://app.example.co", "x", "http://[", "http://a:b"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "OPTIONS"])
async def test_fault_55_a_page_of_another_site_is_refused(client, value, allowed, method, origin):
    headers = {"origin": origin, **PAGE}
    answer = await client.request(method, given(value), headers=headers)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    if method != "HEAD":
        assert answer.json()["code"] == "origin"
    assert value.streaming


async def test_fault_55_the_answer_is_the_same_for_what_does_not_exist(client, value, allowed):
    headers = {"origin": "https://evil.example", **PAGE}
    there, not_there = [
        await client.get(path, headers=headers) for path in (given(value), "/streams/unknown")
    ]
    assert there.content == not_there.content


async def test_an_allowed_site_the_own_site_and_no_browser_are_let_in(client, value, allowed):
    path = given(value)
    own = str(client.base_url).rstrip("/")
    for origin in ("https://app.example", own, own.replace("http:", "https:")):
        answer = await client.head(path, headers={"origin": origin, **PAGE})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["vary"] == "origin"
    answer = await client.head(path, headers=PAGE)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    # A page has to read why it gets nothing, too.
    answer = await client.get("/streams/unknown", headers={"origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


async def test_a_browser_that_asks_first_is_told_what_it_may(client, value, allowed):
    asking = {
        "origin": "https://app.example",
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "reflex-client-token",
    }
    answer = await client.options(given(value), headers=asking)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert "reflex-client-token" in answer.headers["access-control-allow-headers"]


async def test_all_sites_may_be_allowed(value):
    async with serving(ui.routes(origins=["*"])) as client:
        answer = await client.head(given(value), headers={"origin": "https://any.example", **PAGE})
        assert answer.headers["access-control-allow-origin"] == "https://any.example"


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "OPTIONS"])
async def test_fault_55_that_all_sites_may_ask_lends_none_of_them_a_persons_cookies(value, method):
    """Else any site could read and stop what a hook that looks at cookies lets its visitor."""
    may = "access-control-allow-credentials"
    async with serving(ui.routes(origins=["*", "https://app.example"])) as client:
        for origin, trusted in (
            ("https://any.example", False),
            ("null", False),
            ("http://[", False),
            ("https://app.example", True),
            ("http://127.0.0.1:3000", True),  # the page's server in development
        ):
            headers = {"origin": origin, **PAGE}
            answer = await client.request(method, given(value), headers=headers)
            assert answer.headers.get(may) == ("true" if trusted else None), origin


# -- many at once ---------------------------------------------------------------------------


async def test_fault_63_a_hundred_users_at_once_get_not_one_foreign_byte(client):
    values = [ui.StreamableValue(f"user{number:03} ") for number in range(100)]
    for number, value in enumerate(values):
        store.add(value.id, value.log)
        store.grant(value.id, f"page-{number}")

    async def read(number):
        headers = {"reflex-client-token": f"page-{number}"}
        return (await client.get(f"/streams/{values[number].id}", headers=headers)).content

    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=client.base_url, limits=limits, timeout=30) as client:
        reads = [asyncio.create_task(read(number)) for number in range(100)]
        await until(lambda: len(open_responses) == 100)
        for _ in range(10):
            for number, value in enumerate(values):
                value.append(f"user{number:03} ")
            await asyncio.sleep(0.01)
        for value in values:
            value.done()
        for number, body in enumerate([await each for each in reads]):
            assert rebuilt(records(body)) == f"user{number:03} " * 11
            assert set(re.findall(rb"user\d+", body)) == {b"user%03d" % number}
            assert len(events(body)) > 1


@pytest.mark.parametrize("expires", [float("inf"), float("nan"), 1e9])
def test_a_link_ends_at_some_time(expires):
    with pytest.raises(ValueError, match="use seconds from now"):
        ui.stream_url(ui.StreamableValue("a").done(), expires)
