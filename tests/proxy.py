"""A proxy before a server, whose connections a test cuts, freezes or sends elsewhere."""

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
        port: Where it listens; anywhere by default.
    """

    def __init__(self, targets: Callable[[], list[int]], port: int = 0) -> None:
        self._targets = targets
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._losses: set[asyncio.Future[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.thaw()
        await asyncio.sleep(0)  # the connections that were just taken begin
        self.cut()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Cut every connection, as a network does that is gone: without a goodbye."""
        for writer in list(self._open):
            writer.transport.abort()

    def lose(self) -> None:
        """Cut every client off; the servers hear nothing of it: the connections are half open."""
        for loss in self._losses:
            loss.set_result(None)
        self._losses.clear()

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
                await _close(writer)
                return
            self._open |= {writer, behind[1]}
            loss: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._losses.add(loss)
            try:
                # The first side that ends ends the other one.
                sides = [
                    asyncio.ensure_future(self._pass(reader, behind[1])),
                    asyncio.ensure_future(self._pass(behind[0], writer)),
                ]
                try:
                    await asyncio.wait([*sides, loss], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for side in sides:
                        side.cancel()
                    await asyncio.wait(sides)
                if loss.done():
                    self._open.discard(writer)
                    await _close(writer)
                    await asyncio.Event().wait()  # nobody reads, and nobody says so
            finally:
                self._losses.discard(loss)
                self._open -= {writer, behind[1]}
                await _close(writer, behind[1])
        except asyncio.CancelledError:
            pass  # the proxy is being closed
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._thawed.wait()
                writer.write(data)
                await writer.drain()


async def _close(*writers: asyncio.StreamWriter) -> None:
    """Close both sides at once, and wait until they are."""
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with contextlib.suppress(OSError):
            await writer.wait_closed()
