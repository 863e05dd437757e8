"""A proxy before a server, whose connections a test cuts, freezes or sends elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
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
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
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
                for each in (writer, behind[1]):
                    await _close(each)
        except asyncio.CancelledError:
            pass  # the proxy is being closed
        finally:
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._thawed.wait()
                writer.write(data)
                await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a side and wait until it is, also while the proxy itself is being closed."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await asyncio.shield(writer.wait_closed())


@contextlib.contextmanager
def proxy_in_thread(targets: Callable[[], list[int]], port: int = 0) -> Iterator[ProxyInThread]:
    """A proxy for tests without an event loop of their own.

    Args:
        targets: As for :class:`Proxy`.
        port: Where it listens; anywhere by default.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy")
    thread.start()
    try:
        proxy = Proxy(targets, port)
        asyncio.run_coroutine_threadsafe(proxy.__aenter__(), loop).result(10)
        try:
            yield ProxyInThread(proxy, loop)
        finally:
            asyncio.run_coroutine_threadsafe(proxy.__aexit__(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class ProxyInThread:
    """A proxy that works in a thread of its own."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy, self._loop = proxy, loop
        self.url = proxy.url

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def lose(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.lose)

    def freeze(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.freeze)

    def thaw(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.thaw)
