"""Streaming over HTTP, with an eye on the client and the power to cut its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streamui.models.demo.pace import CutError
from streamui.models.demo.stats import Stats

TRANSPORT = "streamui.transport"
"""The key under which the server puts its asyncio transport into the scope."""


class Ledger:
    """Keeps the counts; used on the server's loop, read from anywhere."""

    def __init__(self) -> None:
        self.stats = Stats()

    def count(self, **changes: int) -> None:
        """Add to some counts.

        Args:
            **changes: Fields of :class:`~streamui.models.demo.stats.Stats`.
        """
        values: dict[str, int] = {
            name: getattr(self.stats, name) + change for name, change in changes.items()
        }
        self.stats = replace(self.stats, **values)


class Delivery(Response):
    """Sends chunks as they come, until the end, a cut, or the client is gone.

    Args:
        chunks: What to send.
        ledger: Where to count it.
        done: Called after the last chunk was sent.
    """

    media_type = "text/event-stream"

    def __init__(
        self, chunks: AsyncIterator[bytes], ledger: Ledger, done: Callable[[], None]
    ) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._chunks = chunks
        self._ledger = ledger
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._ledger.count(open=1)
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(left(receive))
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                self._ledger.count(disconnected_by_client=1)
                return
            if isinstance(writing.exception(), CutError):
                self._ledger.count(cut_by_server=1)
                await cut(scope, leaving)
                return
            writing.result()
            self._ledger.count(finished=1)
        finally:
            self._ledger.count(open=-1)
            await _end(writing, leaving)

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for chunk in self._chunks:
            if chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._done()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def left(receive: Receive) -> None:
    """Wait until the client is gone.

    Args:
        receive: Of the request.
    """
    while (await receive())["type"] != "http.disconnect":
        pass


async def cut(scope: Scope, leaving: asyncio.Task[Any]) -> None:
    """Cut a connection without any goodbye.

    Args:
        scope: Of the request.
        leaving: A task that waits for the client to be gone.
    """
    transport: asyncio.Transport = scope[TRANSPORT]
    transport.abort()
    # The server must know before this request ends, or it calls the missing end a mistake.
    await leaving


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, Exception):
            await task
