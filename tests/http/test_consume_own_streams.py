"""Python's own reader of streamui's own streams, through a network that cuts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import streamui as ui
from tests.http.serving import serving

pytestmark = pytest.mark.slow


@asynccontextmanager
async def cutting_proxy(port: int, chance: random.Random, cuts: int) -> AsyncIterator[str]:
    """Pass on what comes, and cut this many connections after a few bytes each."""
    left = cuts

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        room = chance.randrange(700) if left else 10**9
        left -= left > 0
        up, out = await asyncio.open_connection("127.0.0.1", port)
        try:
            out.write(await reader.readuntil(b"\r\n\r\n"))
            while room and (data := await up.read(4096)):
                writer.write(data[:room])
                room -= min(room, len(data))
                await writer.drain()
            if not room:
                writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            out.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
    assert not left  # they did come about


@pytest.mark.parametrize("seed", range(10))
async def test_fault_02_a_stream_cut_five_times_is_the_same_text_once(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui.settings, "client_retry", 0.001)
    monkeypatch.setattr(ui.settings, "reconnect_delay", 0.001)
    monkeypatch.setattr(ui.settings, "reconnect_attempts", 20)
    chance = random.Random(seed)
    answer = ui.StreamableValue("")

    async def serve(request: Request) -> Response:
        return ui.sse_response(answer, offset=request.headers.get("last-event-id"))

    async def write() -> None:
        for number in range(200):
            answer.append(f"{number} \U0001f469\u200d\U0001f4bb ż\u2028\r\n")
            await asyncio.sleep(0)
            if chance.random() < 0.1:
                await asyncio.sleep(0.01)
        answer.done()

    text = ""
    ended: list[str] = []
    app = Starlette(routes=[Route("/answer", serve)])
    async with serving(app) as client, cutting_proxy(client.base_url.port or 0, chance, 5) as url:
        writing = asyncio.create_task(write())
        async for event in ui.consume_event_stream(
            f"{url}/answer", done=lambda event: event.event != "message", expect_done=True
        ):
            change = event.json()
            assert not change.get("reset")
            text = change.get("value", text) + change.get("append", "")
            if event.event != "message":
                ended.append(event.event)
        await writing
    assert text == answer.value
    assert ended == ["done"]
