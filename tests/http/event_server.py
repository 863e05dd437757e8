"""A server of raw bytes: a test says what each connection is sent, and where it is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

import streamui as ui

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

THREE = b"data: one\n\nid: 2\nevent: word\ndata: two\n\ndata: three\n\n"
THREE_READ = [
    ui.ServerSentEvent("one"),
    ui.ServerSentEvent("two", "word", "2"),
    ui.ServerSentEvent("three", id="2"),
]


def chunk(body: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(body), body)


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """A whole response; a comment as its body is an event stream without events."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Exchange:
    """One request on one connection."""

    def __init__(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        lines = head.split(b"\r\n")
        self.line = lines[0].decode()
        pairs = [line.partition(b": ") for line in lines[1:]]
        self.headers = {name.decode().lower(): value for name, _, value in pairs}
        self._reader, self._writer = reader, writer

    @property
    def last_event_id(self) -> str:
        return self.headers.get("last-event-id", b"").decode()

    async def send(self, *parts: bytes) -> None:
        self._writer.write(b"".join(parts))
        await self._writer.drain()

    def cut(self) -> None:
        """End the connection as a machine that crashes: with a reset."""
        self._writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        while await self._reader.read(1024):
            pass


class EventServer:
    """Answers each request with a function; the connection is closed after it.

    Attributes:
        exchanges: The requests so far.
        open: How many connections are open now.
    """

    def __init__(self, handle: Callable[[Exchange], Awaitable[None]]) -> None:
        self.exchanges: list[Exchange] = []
        self.open = 0
        self._handle = handle
        self._failures: list[Exception] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/events"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        async with asyncio.timeout(5):  # nobody leaves a connection open
            while self.open:
                await asyncio.sleep(0.001)
        await self._server.wait_closed()
        assert not self._failures, self._failures

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                exchange = Exchange(head, reader, writer)
                self.exchanges.append(exchange)
                await self._handle(exchange)
                writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as error:
            self._failures.append(error)
        finally:
            self.open -= 1
            writer.close()


async def three(exchange: Exchange) -> None:
    """Answer with three events."""
    await exchange.send(HEAD, chunk(THREE), END)


async def one_and_silence(exchange: Exchange) -> None:
    """Answer with one event, and keep the connection until the client ends it."""
    await exchange.send(HEAD, chunk(b"data: one\n\n"))
    await exchange.gone()


async def bytes_of(*chunks: bytes) -> AsyncIterator[bytes]:
    """Give bytes in these pieces."""
    for each in chunks:
        yield each


WORDS = ["żółć", "\U0001f469\u200d\U0001f4bb", "two\nlines", "", "end"]


def block(number: int) -> bytes:
    """One of the events that :func:`rest` gives; its id is its number, from 1."""
    lines = [f"id: {number}", *(f"data: {line}" for line in WORDS[number - 1].split("\n")), "", ""]
    return "\r\n".join(lines).encode()


def rest(after: str) -> bytes:
    """A whole response: what comes after the event with this id."""
    numbers = range(int(after or 0) + 1, len(WORDS) + 1)
    return b"".join([HEAD, chunk(b": hello\n\n"), *(chunk(block(each)) for each in numbers), END])


def cutting(*cuts: int | None, reset: bool = False) -> Callable[[Exchange], Awaitable[None]]:
    """Answer with the rest, each time cut after so many bytes; whole when there is no more."""
    left = list(cuts)

    async def handle(exchange: Exchange) -> None:
        cut = left.pop(0) if left else None
        await exchange.send(rest(exchange.last_event_id)[:cut])
        if reset and cut is not None:
            exchange.cut()

    return handle


async def read(url: str, **options: Any) -> list[str]:
    """Read a stream to its end; gives its data."""
    return [event.data async for event in ui.consume_event_stream(url, **options)]


async def asked(*responses: bytes) -> tuple[list[str] | Exception, int]:
    """Read from a server that gives these responses, and then the stream.

    Gives what came or was raised, and how often the server was asked.
    """
    left = list(responses)

    async def handle(exchange: Exchange) -> None:
        await exchange.send(left.pop(0) if left else rest(exchange.last_event_id))

    async with EventServer(handle) as server:
        try:
            return await read(server.url), len(server.exchanges)
        except ui.StreamUIError as error:
            return error, len(server.exchanges)
