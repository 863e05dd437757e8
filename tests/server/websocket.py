"""A client of websockets that sends whatever it is told to, as no well-behaved one does."""

from __future__ import annotations

import asyncio
import struct
from typing import Self

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class WebSocket:
    """One connection, without extensions (RFC 6455)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, host: str, port: int, path: str) -> Self:
        """Open a connection and shake hands."""
        reader, writer = await asyncio.open_connection(host, port)
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.split()[1] == b"101", head
        return cls(reader, writer)

    async def send(self, text: str, kind: int = TEXT) -> None:
        """Send a message in one frame; ``OSError`` if the server does not take it."""
        content = text.encode()
        size = len(content)
        if size < 126:
            head = struct.pack("!BB", 0x80 | kind, 0x80 | size)
        elif size < 2**16:
            head = struct.pack("!BBH", 0x80 | kind, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | kind, 0x80 | 127, size)
        self._writer.write(head + bytes(4) + content)  # masked with zeros: as it is
        await self._writer.drain()

    async def receive(self) -> str | None:
        """Return the next message; ``None`` when the connection is over."""
        message = b""
        try:
            while True:
                first, size = await self._reader.readexactly(2)
                if size >= 126:
                    width = 2 if size == 126 else 8
                    size = int.from_bytes(await self._reader.readexactly(width))
                content = await self._reader.readexactly(size)
                if first & 15 == CLOSE:
                    break
                if first & 15 == PING:
                    await self.send(content.decode(), PONG)
                elif first & 15 != PONG:
                    message += content
                    if first & 0x80:
                        return message.decode()
        except (asyncio.IncompleteReadError, OSError):
            pass
        self.abort()
        return None

    def abort(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()
