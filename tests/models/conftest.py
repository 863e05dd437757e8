"""A provider that sends the bytes it is told to, and the demo model."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx2
import pytest
from openai import AsyncOpenAI

from streamui.models.client import aclose_default_clients
from streamui.models.demo import DemoServer

End = Literal["end", "cut", "hold"]


@dataclass
class Provider:
    """A server on loopback that answers every request alike, or each as it is told.

    ``end``: finish the body, cut the connection without that, or hold it open. ``first``: the
    options that are other ones for the first request, the second, and so on.
    """

    body: tuple[bytes, ...]
    end: End = "end"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    first: tuple[dict[str, Any], ...] = ()
    requests: int = 0
    asked_at: list[float] = field(default_factory=list[float])
    paths: list[str] = field(default_factory=list[str])
    bodies: list[Any] = field(default_factory=list[Any])
    left: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self.answer(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            end: End = "end"
            while end == "end":
                end = await self.answer_one(reader, writer)
            if end == "hold":
                await reader.read()
            if end == "cut":
                return
        self.left.set()

    async def answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> End:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        lengths = [int(x.split(b":")[1]) for x in lines if x.startswith(b"content-length:")]
        body = await reader.readexactly(sum(lengths))
        mine = self
        if self.requests < len(self.first):
            mine = replace(self, **self.first[self.requests])
        self.requests += 1
        self.asked_at.append(asyncio.get_running_loop().time())
        self.paths.append(head.split(b" ")[1].decode())
        self.bodies.append(json.loads(body) if body else None)
        headers = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        given = [f"{name}: {value}" for name, value in (headers | mine.headers).items()]
        writer.write("\r\n".join([f"HTTP/1.1 {mine.status} X", *given, "", ""]).encode())
        for piece in filter(None, mine.body):
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        if mine.end == "end":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        return mine.end

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


def async_client(base_url: str) -> AsyncOpenAI:
    """A client that is quick to make: it reads no certificates."""
    http = httpx2.AsyncClient(verify=False)
    return AsyncOpenAI(api_key="none", base_url=base_url, max_retries=0, http_client=http)


Start = Callable[..., Awaitable[tuple[AsyncOpenAI, Provider]]]


@pytest.fixture
async def provider() -> AsyncIterator[Start]:
    """Start a provider with a body; gives an async client of it, and the provider."""
    servers: list[asyncio.Server] = []
    started: list[Provider] = []
    clients: list[AsyncOpenAI] = []

    async def start(*body: bytes | str, **options: Any) -> tuple[AsyncOpenAI, Provider]:
        made = Provider(
            tuple(piece.encode() if isinstance(piece, str) else piece for piece in body),
            **options,
        )
        server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
        servers.append(server)
        started.append(made)
        made.port = server.sockets[0].getsockname()[1]
        client = async_client(made.base_url)
        clients.append(client)
        return client, made

    yield start
    for client in clients:
        await client.close()
    for made in started:
        await asyncio.gather(*made.tasks)
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture
def sse() -> Callable[..., str]:
    """Write events the way OpenAI does: named with their type, or nameless for chunks."""

    def write(*events: dict[str, Any]) -> str:
        return "".join(
            (f"event: {event['type']}\n" if "type" in event else "")
            + f"data: {json.dumps(event)}\n\n"
            for event in events
        )

    return write


@pytest.fixture(scope="session")
def demo() -> Iterator[DemoServer]:
    """A demo model's server for all tests that only talk to it."""
    server = DemoServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def client(demo: DemoServer) -> AsyncIterator[AsyncOpenAI]:
    """An async client of the demo model."""
    async with async_client(demo.base_url) as made:
        yield made


@pytest.fixture
async def no_key(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """An environment that names no model, and the embedded server gone afterwards."""
    from streamui.models.demo import stop

    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "STREAMUI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    yield
    await aclose_default_clients()
    stop()


@pytest.fixture
async def demo_by_default(
    demo: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DemoServer]:
    """The default model: the session's demo server, in place of one that each test would start."""
    from streamui.models.demo import host

    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "STREAMUI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(host, "_server", demo)
    monkeypatch.setattr(host, "_owner", os.getpid())
    yield demo
    await aclose_default_clients()


@pytest.fixture
def until() -> Callable[..., Awaitable[float]]:
    """Wait until a condition holds; gives the seconds it took, and fails after ``limit``."""

    async def wait(condition: Callable[[], bool], limit: float = 5.0) -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        while not condition():
            assert loop.time() - start < limit, "the condition never held"
            await asyncio.sleep(0.002)
        return loop.time() - start

    return wait
