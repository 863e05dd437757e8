"""``consume_event_stream`` leaves nothing open, however its reading ends."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest

import streamui as ui
from streamui.http.consume import EventStream
from tests.http.event_server import (
    EventServer,
    Exchange,
    answer,
    one_and_silence,
    three,
)
from tests.http.serving import until

pytestmark = pytest.mark.usefixtures("no_task_is_left")


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
