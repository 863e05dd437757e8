"""A proxy between readers and a server, whose connections a test cuts, freezes or sends elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Self


class Proxy:
    """Listens on a free port of the loopback interface, and passes every byte on.

    Args:
        targets: The ports of the servers behind it. A new connection goes to the first of them
            that takes it.
    """

    def __init__(self, targets: Callable[[], list[int]]) -> None:
        self._targets = targets
        self._open: set[asyncio.StreamWriter] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.thaw()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cut(self) -> None:
        """Cut every connection, as a network does that is gone: without a goodbye."""
        for writer in list(self._open):
            writer.transport.abort()

    def freeze(self) -> None:
        """Pass nothing on, and close nothing: the connections are half open."""
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            for port in self._targets():
                with contextlib.suppress(OSError):
                    behind = await asyncio.open_connection("127.0.0.1", port)
                    break
            else:
                writer.transport.abort()
                return
            self._open |= {writer, behind[1]}
            try:
                # The first side that ends ends the other one.
                sides = [
                    asyncio.ensure_future(self._pass(reader, behind[1])),
                    asyncio.ensure_future(self._pass(behind[0], writer)),
                ]
                try:
                    await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for side in sides:
                        side.cancel()
                    await asyncio.wait(sides)
            finally:
                self._open -= {writer, behind[1]}
                for each in (writer, behind[1]):
                    each.close()
        finally:
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._thawed.wait()
                writer.write(data)
                await writer.drain()
