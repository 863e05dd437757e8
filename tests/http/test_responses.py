"""Any async iterable as a response: seen by real clients of a real server."""

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

import streamui as ui
from streamui.errors import ModelError, NotStreamableError
from streamui.http.event import ServerSentEvent
from streamui.http.stream_response import open_responses
from streamui.models.events import Finish, ProviderEvent, TextDelta, TextStart
from streamui.settings import settings
from tests.http.serving import answering, events, read_on, records, serving, until

pytestmark = pytest.mark.slow

RESPONSES = [ui.sse_response, ui.ndjson_response, ui.text_response]


class Source:
    """An async iterable that says what is done with it."""

    def __init__(self, *items, then=None):
        self.items, self.then = items, then
        self.asked = 0
        self.closed = False

    async def __aiter__(self):
        try:
            for item in self.items:
                self.asked += 1
                yield item
            if isinstance(self.then, BaseException):
                raise self.then
            if self.then is not None:
                await self.then()
        finally:
            self.closed = True


SCOPE = {"type": "http", "method": "GET", "headers": [], "client": None}


async def forever() -> Any:
    await asyncio.Event().wait()


@asynccontextmanager
async def reading(client, url="/", **options):
    """A response that is being read, and whose client then goes away."""
    async with client.stream("GET", url, **options) as response:
        yield response


async def get(response, **options):
    async with serving(answering(lambda: response)) as client:
        return await client.get("/", **options)


# -- what is written ------------------------------------------------------------------------


async def test_items_are_json_that_a_plain_event_source_understands():
    answer = await get(ui.sse_response(Source("Hi\n", {"a": [1]}, None, ["é"])))
    said = events(answer.content)
    assert [json.loads(event.data) for event in said[:-1]] == ["Hi\n", {"a": [1]}, None, ["é"]]
    assert {event.event for event in said[:-1]} == {"message"}
    assert (said[-1].event, said[-1].json()) == ("done", {"status": "done"})


async def test_lines_have_the_same_json_as_events():
    items = ["Hi\n", {"a": [1]}, None]
    lines = await get(ui.ndjson_response(Source(*items)))
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert records(lines.content, "ndjson") == [*items, {"status": "done"}]


async def test_text_is_the_text_and_nothing_else():
    answer = await get(ui.text_response(Source("Hi\r\n", "", "th\u00e9re", b"\xc3", b"\xa9")))
    assert answer.content == "Hi\r\nth\u00e9re\u00e9".encode()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_events_of_a_model_are_their_json_and_hide_the_providers_own():
    made = [
        TextStart("1", provider_event="secret"),
        TextDelta("1", "Hel"),
        ProviderEvent("x.y", data=object()),
        Finish("stop"),
    ]
    said = records((await get(ui.sse_response(Source(*made)))).content)
    assert said[:-1] == [
        {"type": "text-start", "id": "1"},
        {"type": "text-delta", "id": "1", "delta": "Hel"},
        {"type": "provider", "name": "x.y"},
        {"type": "finish", "reason": "stop", "response_id": ""},
    ]
    assert (await get(ui.text_response(Source(*made)))).text == "Hel"


async def test_a_models_answer_goes_straight_to_the_client():
    stream = await ui.default_client().responses.create(
        model=ui.default_model(),
        input="Write 5 words about lakes at 0 words per second",
        stream=True,
    )
    answer = await get(ui.text_response(ui.model_events(stream)))
    assert "lake" in answer.text.lower()


async def test_events_can_be_written_as_they_are():
    made = ServerSentEvent("a\nb", event="tick", id="7", retry=10)
    assert events((await get(ui.sse_response(Source(made)))).content)[0] == made


async def test_a_done_marker_takes_the_place_of_the_done_event():
    answer = await get(ui.sse_response(Source({"response": "Hi"}), done="[DONE]"))
    assert answer.text == 'data: {"response":"Hi"}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("respond", RESPONSES)
async def test_fault_62_responses_are_not_stored_sniffed_or_held_back(respond):
    headers = (await get(respond(Source("a"), headers={"x-mine": "1"}))).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-mine"] == "1"
    assert "content-length" not in headers


@pytest.mark.parametrize("source", ["text", [1], {"a": 1}, None, object()])
@pytest.mark.parametrize("respond", RESPONSES)
def test_what_cannot_be_streamed_is_refused_at_once(respond, source):
    with pytest.raises(NotStreamableError, match="async iterable"):
        respond(source)


# -- how it ends ----------------------------------------------------------------------------


async def test_fault_61_a_failing_source_ends_with_a_typed_error_and_no_words_of_it(caplog):
    cause = RuntimeError("postgres://me:secret@db/x")
    said = events((await get(ui.sse_response(Source("a", then=cause)))).content)
    assert [event.event for event in said] == ["message", "error"]
    told = said[-1].json()
    assert told["status"] == "error"
    assert told["error"]["code"] == "internal"
    assert told["error"]["message"] == "Something went wrong on the server."
    assert told["error"]["reference"] in caplog.text
    assert "secret" not in caplog.text


async def test_a_models_failure_keeps_its_code():
    cause = ModelError("sk-123456789", code="rate_limited")
    said = records((await get(ui.ndjson_response(Source("a", then=cause)))).content, "ndjson")
    assert said[-1]["error"]["code"] == "rate_limited"
    assert "sk-" not in str(said)


async def test_an_item_that_is_no_json_is_the_sources_failure():
    source = Source("a", {"x": float("nan")}, "never")
    said = records((await get(ui.sse_response(source))).content)
    assert [said[0], said[-1]["error"]["code"]] == ["a", "not_json"]
    assert source.closed
    assert source.asked == 2


async def test_a_source_that_is_cancelled_is_interrupted():
    said = events((await get(ui.sse_response(Source("a", then=asyncio.CancelledError())))).content)
    assert [event.event for event in said] == ["message", "interrupted"]


async def test_text_that_fails_breaks_off():
    with pytest.raises(httpx.RemoteProtocolError):
        await get(ui.text_response(Source("a", then=RuntimeError("no"))))


# -- as fast as the client reads -------------------------------------------------------------


async def test_the_first_item_arrives_while_the_source_goes_on():
    source = Source({"first": 1}, then=forever)
    async with serving(answering(lambda: ui.sse_response(source))) as client:
        async with reading(client) as response:
            async for chunk in response.aiter_bytes():
                assert chunk == b'data: {"first":1}\n\n'
                break
        await until(lambda: source.closed)


@pytest.mark.parametrize("respond", RESPONSES)
async def test_headers_arrive_before_the_first_item(respond):
    source = Source(then=forever)
    async with serving(answering(lambda: respond(source))) as client:
        async with reading(client) as response:
            assert response.status_code == 200
        await until(lambda: source.closed)


async def test_a_client_that_leaves_closes_the_source_and_leaves_nothing_behind():
    before = asyncio.all_tasks()
    source = Source("a", then=forever)
    async with serving(answering(lambda: ui.sse_response(source))) as client:
        async with reading(client) as response:
            await anext(response.aiter_bytes())
            assert not source.closed
        await until(lambda: source.closed and not open_responses)
    await until(lambda: asyncio.all_tasks() == before)


async def test_a_client_that_leaves_before_the_first_item_closes_a_source_of_any_kind():
    class Held:
        closed = False

        def __aiter__(self):
            return self

        async def __anext__(self):
            await forever()

        async def close(self):
            self.closed = True

    held = Held()
    async with serving(answering(lambda: ui.sse_response(held))) as client:
        async with reading(client):
            pass
        await until(lambda: held.closed)
        held.closed = False
        await client.head("/")
        assert held.closed, "asked for the headers only"


async def test_a_source_is_read_in_one_task_from_its_beginning_to_its_end():
    tasks = set()

    async def source():
        async with asyncio.timeout(5):  # has to be left in the task that entered it
            for number in range(3):
                tasks.add(asyncio.current_task())
                yield number

    said = records((await get(ui.ndjson_response(source()))).content, "ndjson")
    assert said == [0, 1, 2, {"status": "done"}]
    assert len(tasks) == 1


class SlowClient:
    """A client that takes what it is told to take, and no more."""

    def __init__(self, client: httpx.AsyncClient, path="/"):
        self._port = client.base_url.port
        self._path = path
        self.socket = socket.socket()

    async def __aenter__(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.socket, ("127.0.0.1", self._port))
        request = f"GET {self._path} HTTP/1.1\r\nhost: x\r\n\r\n"
        await loop.sock_sendall(self.socket, request.encode())
        return self

    async def __aexit__(self, *_):
        self.socket.close()

    async def take(self, most=1_000_000):
        return await asyncio.get_running_loop().sock_recv(self.socket, most)


async def settled(count, seconds=0.2):
    """Wait until a number no longer changes."""
    while True:
        before = count()
        await asyncio.sleep(seconds)
        if count() == before:
            return before


async def test_a_source_waits_for_a_client_that_does_not_read():
    source = Source(*["x" * 65_536] * 1000)
    async with serving(answering(lambda: ui.text_response(source))) as client:
        async with SlowClient(client) as slow:
            asked = await settled(lambda: source.asked)
            assert asked < 200, "the sockets' buffers hold a few megabytes"
            taken = 0
            while taken < 8_000_000:
                taken += len(await slow.take())
            await until(lambda: source.asked > asked)
        await until(lambda: source.closed)
    assert source.asked < 1000


async def test_an_item_that_is_being_sent_is_the_last_that_was_asked_for():
    source = Source(*range(20))
    taken = asyncio.Semaphore(0)
    sent = 0

    async def send(message):
        nonlocal sent
        if message.get("body"):
            await taken.acquire()
            sent += 1

    response = asyncio.create_task(ui.ndjson_response(source)(SCOPE, forever, send))
    for number in range(1, 20):
        await until(lambda number=number: source.asked == number)
        for _ in range(10):
            await asyncio.sleep(0)
        assert (source.asked, sent) == (number, number - 1)
        taken.release()
    for _ in range(2):  # the last item, and the end
        taken.release()
    await response


async def test_no_item_is_asked_for_before_the_one_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(settings, "heartbeat", 0.02)
    gate = asyncio.Event()
    order = []

    async def source():
        order.append("first")
        yield "a"
        await gate.wait()  # signs of life go out meanwhile
        order.append("second")
        yield "b"
        order.append("third")
        yield "c"

    response = ui.sse_response(source())
    async with serving(answering(lambda: response)) as client:
        async with reading(client) as answer:
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if body.count(b"keep-alive") == 3:
                    gate.set()
    assert order == ["first", "second", "third"]
    assert [event.data for event in events(body)][:3] == ['"a"', '"b"', '"c"']


async def test_fault_27_a_silent_source_has_signs_of_life_that_say_nothing(monkeypatch):
    monkeypatch.setattr(settings, "heartbeat", 0.02)
    for respond, beat in ((ui.sse_response, b": keep-alive\n\n"), (ui.ndjson_response, b"\n")):
        source = Source("a", then=forever)
        async with serving(answering(lambda respond=respond, it=source: respond(it))) as client:
            async with reading(client) as response:
                body = b""
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if body.count(beat) > 5:
                        break
        kind = response.headers["content-type"]
        assert records(body, kind) == ["a"], "nothing but the item and signs of life"


async def test_fault_23_a_client_that_never_reads_is_closed(monkeypatch):
    monkeypatch.setattr(settings, "send_timeout", 0.2)
    source = Source(*["x" * 65_536] * 1000)
    async with serving(answering(lambda: ui.text_response(source))) as client:
        async with SlowClient(client) as slow:
            await until(lambda: source.closed)
            await until(lambda: not open_responses)
            while await slow.take():  # what was on its way, and then the end
                pass
    assert source.asked < 200


async def test_closing_responses_breaks_them_off_without_an_end_of_the_stream():
    for respond in RESPONSES:
        source = Source("a", then=forever)
        async with serving(answering(lambda respond=respond, it=source: respond(it))) as client:
            async with reading(client) as response:
                reads = asyncio.create_task(read_on(response))
                await until(lambda it=source: it.asked == 1 and open_responses)
                for each in list(open_responses):
                    each.close()
                body, proper = await reads
        assert not proper, "a part must not pass for the whole"
        assert b"status" not in body
        assert source.closed


@pytest.mark.parametrize("respond", RESPONSES)
@pytest.mark.parametrize(
    "big",
    ["é🧑" * 2_500_000, ("é🧑" * 1_500_000).encode(), TextDelta("1", "é" * 5_000_000)],
    ids=["text", "bytes", "delta"],
)
async def test_fault_43_a_huge_item_goes_in_parts_and_the_loop_stays_free(respond, big):
    sizes = []
    turns = 0

    def watched(app):
        async def outer(scope, receive, send):
            async def watch(message):
                sizes.append(len(message.get("body", b"")))
                await send(message)

            await app(scope, receive, watch)

        return outer

    async def tick():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(watched(answering(lambda: respond(Source(big))))) as client:
        ticking = asyncio.create_task(tick())
        async with client.stream("GET", "/") as answer:
            body = b"".join([chunk async for chunk in answer.aiter_raw()])
        ticking.cancel()
    if respond is ui.text_response:
        text = body.decode()
    else:
        said = records(body, answer.headers["content-type"])[:-1]
        texts = [each["delta"] if isinstance(each, dict) else each for each in said]
        assert max(map(len, texts)) <= 65_536
        text = "".join(texts)
    whole = big.delta if isinstance(big, TextDelta) else big
    assert text == (whole if isinstance(whole, str) else whole.decode())
    assert max(sizes) <= 65_536
    assert turns > len(text) / 65_536, "others have their turn between its parts"


async def test_fault_43_an_object_that_is_too_large_is_refused():
    said = records((await get(ui.sse_response(Source({"a": "x" * 2_000_000})))).content)
    assert [record["error"]["code"] for record in said] == ["limit"]
