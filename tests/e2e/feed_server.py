"""A server of event streams on another site, whose words the test says one by one."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from tests.http.event_server import END, EventServer, Exchange, answer, chunk

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\naccess-control-allow-origin: *\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until something holds; it is looked at from this thread."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


class Connection:
    """One request of the page, open until either side ends it."""

    def __init__(self, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self.path = exchange.line.split()[1]
        self.last_event_id = exchange.last_event_id
        self.cookies = "cookie" in exchange.headers
        self.closed_by_page = False
        self._loop = loop
        self._words: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._exchange = exchange

    def send(self, stream: str) -> None:
        """Send some of the stream."""
        self._loop.call_soon_threadsafe(self._words.put_nowait, stream.encode())

    def end(self) -> None:
        """End the response, as complete as can be."""
        self._loop.call_soon_threadsafe(self._words.put_nowait, None)

    async def serve(self) -> None:
        gone = asyncio.create_task(self._exchange.gone())
        try:
            await self._exchange.send(HEAD)
            while True:
                word = asyncio.create_task(self._words.get())
                await asyncio.wait([gone, word], return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    word.cancel()
                    self.closed_by_page = True
                    return
                stream = word.result()
                if stream is None:
                    await self._exchange.send(END)
                    return
                await self._exchange.send(chunk(stream))
        finally:
            gone.cancel()
            await asyncio.wait([gone])


class FeedServer:
    """Runs in a thread, for browser tests.

    Attributes:
        connections: Those of the pages so far, in order.
        refusal: What the next connections are answered in place of a stream.
    """

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.refusal = ""
        self.url = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def next(self) -> Connection:
        """Wait for a connection that was not returned before."""
        self._taken += 1
        wait_for(lambda: len(self.connections) >= self._taken)
        return self.connections[self._taken - 1]

    _taken = 0

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with EventServer(self._handle) as server:
            self.url = server.url
            self._ready.set()
            await self._stop.wait()
            for connection in self.connections:
                connection.end()

    async def _handle(self, exchange: Exchange) -> None:
        if self.refusal:
            await exchange.send(answer(self.refusal, "access-control-allow-origin: *"))
            return
        connection = Connection(exchange, self._loop)
        self.connections.append(connection)
        await connection.serve()
