"""``consume_event_stream``: what it reads from, how its events come out, what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import httpx2
import openai
import pytest

import streamui as ui
from streamui.http.consume import EventStream
from tests.http.event_server import END, HEAD, EventServer, Exchange, answer, chunk

THREE = b"data: one\n\nid: 2\nevent: word\ndata: two\n\ndata: three\n\n"
AS_READ = [
    ui.ServerSentEvent("one"),
    ui.ServerSentEvent("two", "word", "2"),
    ui.ServerSentEvent("three", id="2"),
]


async def three(exchange: Exchange) -> None:
    await exchange.send(HEAD, chunk(THREE), END)


async def one_and_silence(exchange: Exchange) -> None:
    await exchange.send(HEAD, chunk(b"data: one\n\n"))
    await exchange.gone()


async def bytes_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for each in chunks:
        yield each


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    yield
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


# -- what it reads from -----------------------------------------------------------------------


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_streaming_response(library: Any, method: str) -> None:
    async with EventServer(three) as server, library.AsyncClient() as client:
        async with client.stream(method, server.url) as response:
            assert [event async for event in ui.consume_event_stream(response)] == AS_READ
            assert response.is_closed
        # The request itself will do: it is sent and closed here.
        events = ui.consume_event_stream(client.stream(method, server.url))
        assert [event async for event in events] == AS_READ


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_response_of_a_blocking_client_does_not_block_the_loop(library: Any) -> None:
    async def slow(exchange: Exchange) -> None:
        await exchange.send(HEAD, chunk(THREE[:30]))
        await asyncio.sleep(0)  # this server runs in the loop that would be blocked
        await exchange.send(chunk(THREE[30:]), END)

    async with EventServer(slow) as server:
        with library.Client() as client:
            request = client.build_request("GET", server.url)
            response = await asyncio.to_thread(client.send, request, stream=True)
            assert [event async for event in ui.consume_event_stream(response)] == AS_READ
            assert response.is_closed


async def test_a_blocking_client_is_woken_when_its_reader_is_cancelled() -> None:
    async with EventServer(one_and_silence) as server:
        with httpx.Client() as client:
            request = client.build_request("GET", server.url)
            response = await asyncio.to_thread(client.send, request, stream=True)
            seen: list[str] = []
            stream = ui.consume_event_stream(response, lambda event: seen.append(event.data))
            reading = asyncio.ensure_future(stream)
            await until(lambda: seen)
            reading.cancel()
            async with asyncio.timeout(1):
                await asyncio.wait([reading])
            assert reading.cancelled()
            await until(lambda: response.is_closed)


async def test_a_response_that_was_read_already() -> None:
    async with EventServer(three) as server, httpx.AsyncClient() as client:
        response = await client.get(server.url)
        assert [event async for event in ui.consume_event_stream(response)] == AS_READ


async def test_any_bytes_and_any_cut_of_them() -> None:
    for cut in range(len(THREE)):
        events = ui.consume_event_stream(bytes_of(THREE[:cut], THREE[cut:]))
        assert [event async for event in events] == AS_READ


async def test_what_openai_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    client = ui.default_client()  # the demo model, a real server
    completions = client.chat.completions
    options: Any = {
        "model": ui.default_model(),
        "messages": [{"role": "user", "content": "Write 5 words about rain at 0 words per second"}],
        "stream": True,
    }

    async def text(source: Any) -> str:
        words: list[str] = []

        def add(event: ui.ServerSentEvent) -> None:
            choices = event.json()["choices"]
            words.append((choices[0]["delta"].get("content") if choices else None) or "")

        await ui.consume_event_stream(source, on_chunk=add)
        return "".join(words)

    stream: openai.AsyncStream[Any] = await completions.create(**options)
    whole = await text(stream)
    assert len(whole.split()) == 5
    assert await text((await completions.create(**options)).response) == whole
    assert await text(completions.create(**options)) == whole
    assert await text(completions.with_streaming_response.create(**options)) == whole
    assert await text(await completions.with_raw_response.create(**options)) == whole
    await client.close()


@pytest.mark.parametrize("source", [None, 7, b"data: x\n\n", ["data: x\n\n"], object()])
def test_what_cannot_be_read_is_said_at_once(source: Any) -> None:
    with pytest.raises(TypeError, match="an event stream is read from a URL"):
        ui.consume_event_stream(source)


@pytest.mark.parametrize("url", ["/events", "example.com/events", "ftp://example.com", "data: x"])
def test_a_url_is_one_of_http(url: str) -> None:
    with pytest.raises(ValueError, match="http:// or https://"):
        ui.consume_event_stream(url)


def test_a_blocking_client_cannot_ask_again() -> None:
    with httpx.Client() as client, pytest.raises(TypeError, match=r"httpx\.AsyncClient"):
        ui.consume_event_stream("http://localhost", client=client)


# -- how the events come out ------------------------------------------------------------------


async def test_on_chunk_is_called_with_each_event_and_awaited() -> None:
    seen: list[Any] = []

    async def slowly(event: ui.ServerSentEvent) -> None:
        await asyncio.sleep(0)
        seen.append(event)

    async with EventServer(three) as server:
        assert await ui.consume_event_stream(server.url, on_chunk=slowly) is None
        assert seen == AS_READ
        seen.clear()
        assert await ui.consume_event_stream(server.url, seen.append) is None
        assert seen == AS_READ


async def test_what_on_chunk_raises_ends_the_reading_and_closes_the_connection() -> None:
    def fail(event: ui.ServerSentEvent) -> None:
        raise LookupError(event.data)

    async with EventServer(one_and_silence) as server:
        with pytest.raises(LookupError, match="one"):
            await ui.consume_event_stream(server.url, on_chunk=fail)


async def test_the_wrong_way_to_read_is_said() -> None:
    with pytest.raises(TypeError, match="await it"):
        async for _ in ui.consume_event_stream(bytes_of(), on_chunk=print):
            pass
    with pytest.raises(TypeError, match="async for"):
        await ui.consume_event_stream(bytes_of())


async def test_a_forgotten_await_is_warned_about() -> None:
    stream = ui.consume_event_stream("http://localhost", on_chunk=print)
    with pytest.warns(RuntimeWarning, match="neither awaited nor iterated"):
        del stream
        gc.collect()


# -- where it ends ----------------------------------------------------------------------------


async def test_the_mark_of_the_end_is_no_event_and_nothing_after_it_is_read() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD, chunk(b"data: x\n\ndata: [DONE]\n\ndata: y\n\n"))
        await exchange.gone()

    async with EventServer(handle) as server:
        assert [e.data async for e in ui.consume_event_stream(server.url)] == ["x"]
    marked = b"data: x\n\ndata: END\n\ndata: y\n\n"
    events = ui.consume_event_stream(bytes_of(marked), done="END")
    assert [event.data async for event in events] == ["x"]
    events = ui.consume_event_stream(bytes_of(marked), done=None)
    assert [event.data async for event in events] == ["x", "END", "y"]
    events = ui.consume_event_stream(bytes_of(marked), done=lambda event: event.data == "END")
    assert [event.data async for event in events] == ["x", "END"]


@pytest.mark.parametrize("stream", [b"data: x\n\ndata: y", b"data: x\n\nid: 2\n", b"data: x\n\nda"])
async def test_fault_35_an_end_within_an_event_is_an_error(stream: bytes) -> None:
    seen: list[str] = []
    with pytest.raises(ui.StreamInterruptedError):
        await ui.consume_event_stream(bytes_of(stream), lambda event: seen.append(event.data))
    assert seen == ["x"]


async def test_fault_35_an_end_without_the_expected_mark_is_an_error() -> None:
    seen: list[str] = []
    with pytest.raises(ui.StreamInterruptedError, match="its end is missing"):
        await ui.consume_event_stream(
            bytes_of(b"data: x\n\n"), lambda event: seen.append(event.data), expect_done=True
        )
    assert seen == ["x"]
    whole = bytes_of(b"data: x\n\ndata: [DONE]\n\n")
    await ui.consume_event_stream(whole, lambda event: None, expect_done=True)


async def test_fault_36_a_response_cut_in_the_middle_is_a_typed_error() -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.send(HEAD, chunk(b"data: x\n\n"))

    async with EventServer(cut) as server, httpx.AsyncClient() as client:
        with pytest.raises(ui.StreamInterruptedError) as raised:
            async for event in ui.consume_event_stream(client.stream("GET", server.url)):
                assert event.data == "x"
    assert raised.value.sentence == "The answer was interrupted."


async def test_fault_43_one_huge_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.settings, "event_limit", 10_000)

    async def endless(exchange: Exchange) -> None:
        await exchange.send(HEAD)
        while True:
            await exchange.send(chunk(b"data: " + b"x" * 1000))

    async with EventServer(endless) as server:
        with pytest.raises(ui.ProtocolError, match="STREAMUI_EVENT_LIMIT"):
            await ui.consume_event_stream(server.url, on_chunk=print)
        assert len(server.exchanges) == 1  # asking again would not help


async def test_fault_43_others_have_the_loop_while_a_huge_chunk_is_read() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(others())
    count = 0
    async for _ in ui.consume_event_stream(bytes_of(b"data: x\n\n" * 100_000)):
        count += 1
    task.cancel()
    await asyncio.wait([task])
    assert count == 100_000
    assert turns > 3


# -- what it leaves behind --------------------------------------------------------------------


async def test_leaving_the_loop_closes_the_connection() -> None:
    async with EventServer(one_and_silence) as server:
        async for event in ui.consume_event_stream(server.url):
            assert event.data == "one"
            break
        await until(lambda: server.open == 0)


async def test_async_with_closes_the_connection_at_its_end() -> None:
    async with EventServer(one_and_silence) as server:
        async with ui.consume_event_stream(server.url) as events:
            assert (await anext(events)).data == "one"
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        await until(lambda: server.open == 0)


async def test_cancelling_the_reader_closes_the_connection() -> None:
    async with EventServer(one_and_silence) as server:
        seen: list[Any] = []
        reading = asyncio.ensure_future(ui.consume_event_stream(server.url, seen.append))
        await until(lambda: seen)
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        await until(lambda: server.open == 0)


@pytest.mark.parametrize("awaited", [True, False])
async def test_aclose_from_another_task_ends_the_reading_there(awaited: bool) -> None:
    seen: list[Any] = []

    async def read(stream: EventStream) -> None:
        if awaited:
            await stream
        else:
            async for event in stream:
                seen.append(event)

    async with EventServer(one_and_silence) as server:
        stream = ui.consume_event_stream(server.url, seen.append if awaited else None)
        reading = asyncio.create_task(read(stream))
        await until(lambda: seen)
        await stream.aclose()
        await stream.aclose()
        async with asyncio.timeout(1):
            await reading
        await until(lambda: server.open == 0)


async def test_aclose_from_within_on_chunk() -> None:
    async with EventServer(one_and_silence) as server:
        stream: EventStream

        async def stop(event: ui.ServerSentEvent) -> None:
            await stream.aclose()

        stream = ui.consume_event_stream(server.url, stop)
        await stream


async def test_what_was_never_read_is_closed_too() -> None:
    async with EventServer(one_and_silence) as server, httpx.AsyncClient() as client:
        response = await client.send(client.build_request("GET", server.url), stream=True)
        await ui.consume_event_stream(response).aclose()
        assert response.is_closed


async def test_a_stream_whose_read_was_cancelled_does_not_look_complete() -> None:
    async with EventServer(one_and_silence) as server:
        events = ui.consume_event_stream(server.url)
        assert (await anext(events)).data == "one"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
        with pytest.raises(ui.StreamCancelledError):
            await anext(events)


async def test_a_given_client_stays_open_and_its_connection_can_be_used_again() -> None:
    async with EventServer(three) as server, httpx.AsyncClient() as client:
        for _ in range(2):
            events = ui.consume_event_stream(server.url, client=client)
            assert len([event async for event in events]) == 3
        assert not client.is_closed


async def test_a_refused_response_gives_a_given_client_its_connection_back() -> None:
    async def handle(exchange: Exchange) -> None:
        body = b"x" * 200_000  # more than what is read with the head
        await exchange.send(answer("401 No", "content-type: text/html", body=body))
        await exchange.gone()

    one = httpx.Limits(max_connections=1)
    async with EventServer(handle) as server, httpx.AsyncClient(limits=one) as client:
        for _ in range(3):
            with pytest.raises(ui.StreamConnectionError) as raised:
                await ui.consume_event_stream(
                    server.url, on_chunk=print, client=client, connect_timeout=1
                )
            assert raised.value.status == 401  # a connection that is not given back is waited for


async def test_a_hundred_streams_leave_no_thread_and_no_connection() -> None:
    async with EventServer(three) as server:
        await ui.consume_event_stream(server.url, on_chunk=lambda event: None)
        before = threading.active_count()
        async with httpx.AsyncClient() as client:
            await asyncio.gather(
                *(
                    asyncio.ensure_future(
                        ui.consume_event_stream(server.url, lambda event: None, client=client)
                    )
                    for _ in range(100)
                )
            )
        assert threading.active_count() <= before + 8  # asyncio's own, that look up names
        await until(lambda: server.open == 0)


# -- what it asks for -------------------------------------------------------------------------


async def test_the_request_says_what_it_wants_and_carries_what_it_is_given() -> None:
    async with EventServer(three) as server:
        await ui.consume_event_stream(
            server.url,
            on_chunk=lambda event: None,
            headers={"Authorization": "Bearer x", "Accept-Encoding": "gzip"},
            params={"offset": 5},
            last_event_id="…",
        )
        request = server.exchanges[0]
    assert request.line == "GET /events?offset=5 HTTP/1.1"
    assert request.headers["accept"] == b"text/event-stream"
    assert request.headers["cache-control"] == b"no-cache"
    assert request.headers["authorization"] == b"Bearer x"
    assert request.headers["accept-encoding"] == b"gzip"
    assert request.headers["last-event-id"] == "…".encode()


async def test_a_redirect_is_followed() -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.line.startswith("GET /events"):
            await exchange.send(answer("307 Temporary Redirect", "location: /elsewhere"))
        else:
            await exchange.send(answer("200 OK", "content-type: text/event-stream;", body=THREE))

    async with EventServer(handle) as server:
        assert [event async for event in ui.consume_event_stream(server.url)] == AS_READ
        assert server.exchanges[-1].line.startswith("GET /elsewhere")


async def test_a_redirect_in_circles_is_a_protocol_error() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(answer("302 Found", "location: /events"))

    async with EventServer(handle) as server:
        with pytest.raises(ui.ProtocolError, match="TooManyRedirects"):
            await ui.consume_event_stream(server.url, on_chunk=print)


async def test_the_awaitable_is_what_asyncio_takes() -> None:
    async def run(awaitable: Awaitable[None]) -> None:
        await awaitable

    seen: list[Any] = []
    async with EventServer(three) as server:
        async with asyncio.TaskGroup() as group:
            group.create_task(run(ui.consume_event_stream(server.url, seen.append)))
    assert seen == AS_READ
