"""A real server on a free port, in the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from streamui.http.event import ServerSentEvent
from streamui.http.parser import EventStreamParser
from streamui.http.responses import close_responses


@asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Run an ASGI application under uvicorn; gives a client that is connected to it."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_level="critical", **options)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=10) as client:
            yield client
    finally:
        close_responses()
        server.should_exit = True
        async with asyncio.timeout(10):
            await running


def answering(make: Callable[[], Any]) -> Any:
    """An ASGI application that answers each request with what a function makes."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        response = make()
        if isinstance(response, Awaitable):
            response = await response
        await response(scope, receive, send)

    return app


async def until(true: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def events(body: bytes) -> list[ServerSentEvent]:
    """What a reader of the standard makes of an event stream."""
    return list(EventStreamParser().feed(body))
