"""A server of raw bytes: a test says what each connection is sent, and where it is cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


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
