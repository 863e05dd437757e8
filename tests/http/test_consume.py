"""``consume_event_stream``: how the events come out, and where they end."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import httpx
import pytest

import streamui as ui
from tests.http.event_server import (
    HEAD,
    THREE_READ,
    EventServer,
    Exchange,
    bytes_of,
    chunk,
    one_and_silence,
    three,
)

pytestmark = pytest.mark.usefixtures("no_task_is_left")


async def test_on_chunk_is_called_with_each_event_and_awaited() -> None:
    seen: list[Any] = []

    async def slowly(event: ui.ServerSentEvent) -> None:
        await asyncio.sleep(0)
        seen.append(event)

    async with EventServer(three) as server:
        assert await ui.consume_event_stream(server.url, on_chunk=slowly) is None
        assert seen == THREE_READ
        seen.clear()
        assert await ui.consume_event_stream(server.url, seen.append) is None
        assert seen == THREE_READ


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


# -- where it ends --------------------------------------------------------------------------------


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
