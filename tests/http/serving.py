"""A real server on a free port, and what its answers come to."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from copy import deepcopy
from typing import Any

import httpx
import uvicorn
from uvicorn.server import ServerState

from streamui.http.event import ServerSentEvent
from streamui.http.parser import EventStreamParser
from streamui.http.stream_response import close_responses
from streamui.streamable.tree import apply_patch


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Run an ASGI application in the test's own event loop; gives a client of it."""
    config = uvicorn.Config(app, log_level="critical")
    config.load()
    state = ServerState()
    protocol: Any = config.http_protocol_class
    # Not uvicorn's own main loop: that looks every 0.1 s whether it shall end.
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=10) as client:
            yield client
    finally:
        close_responses()
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await until(lambda: not state.connections and not state.tasks)


@contextmanager
def serving_in_thread(app: Any) -> Iterator[str]:
    """Run an ASGI application in a thread, for tests without an event loop; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        close_responses()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


def answering(make: Callable[[], Any]) -> Any:
    """An ASGI application that answers each request with what a function makes."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await make()(scope, receive, send)

    return app


async def read_on(response: httpx.Response) -> tuple[bytes, bool]:
    """What is left of an answer, and whether it ends properly: it may break off."""
    body = b""
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
    except httpx.RemoteProtocolError:
        return body, False
    return body, True


async def until(true: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def wait_until(true: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for a condition, without an event loop."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)


def events(body: bytes) -> list[ServerSentEvent]:
    """What a reader of the standard makes of an event stream."""
    return list(EventStreamParser().feed(body))


def records(body: bytes, media_type: str = "text/event-stream") -> list[Any]:
    """The records of an answer, whichever form it has."""
    if "ndjson" in media_type:
        return [json.loads(line) for line in body.split(b"\n") if line]
    return [event.json() for event in events(body)]


def rebuilt(records: Iterable[dict[str, Any]], value: Any = None) -> Any:
    """The value that a client has after some records: how docs/http.md says to read them."""
    for record in records:
        if "value" in record or "reset" in record:
            value = record.get("value")
        if "append" in record:
            value = record["append"] if value is None else value + record["append"]
        for patch in record.get("patches", ()):
            value = apply_patch(deepcopy(value), patch)
    return value
