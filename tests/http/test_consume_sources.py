"""What ``consume_event_stream`` reads from, and what it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import httpx
import httpx2
import openai
import pytest

import streamui as ui
from tests.http.event_server import (
    END,
    HEAD,
    THREE,
    THREE_READ,
    EventServer,
    Exchange,
    answer,
    bytes_of,
    chunk,
    one_and_silence,
    three,
)
from tests.http.serving import until

pytestmark = pytest.mark.usefixtures("no_task_is_left")


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_streaming_response(library: Any, method: str) -> None:
    async with EventServer(three) as server, library.AsyncClient() as client:
        async with client.stream(method, server.url) as response:
            assert [event async for event in ui.consume_event_stream(response)] == THREE_READ
            assert response.is_closed
        # The request itself will do: it is sent and closed here.
        events = ui.consume_event_stream(client.stream(method, server.url))
        assert [event async for event in events] == THREE_READ


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
            assert [event async for event in ui.consume_event_stream(response)] == THREE_READ
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
        assert [event async for event in ui.consume_event_stream(response)] == THREE_READ


async def test_any_bytes_and_any_cut_of_them() -> None:
    for cut in range(len(THREE)):
        events = ui.consume_event_stream(bytes_of(THREE[:cut], THREE[cut:]))
        assert [event async for event in events] == THREE_READ


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


# -- what it asks for -----------------------------------------------------------------------------


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
        assert [event async for event in ui.consume_event_stream(server.url)] == THREE_READ
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
    assert seen == THREE_READ
