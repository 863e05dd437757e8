"""A provider's stream, read in a task or a thread of its own.

Whoever opens a stream must also close it in the same task or thread: so the reading has one
that does nothing else, and stopping means ending that.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from typing import Any

from streamui.errors import StreamCancelledError

AHEAD = 64
"""Items read ahead of the consumer; when they lie there unread, the provider has to wait."""


_PATIENCE = 0.3
"""Seconds to wait for a stream to close; only a user's own blocking iterator takes as long."""


class Source(ABC):
    """What a stream yields, in order, and a way to stop it.

    Args:
        stream: What to read; it is opened at the first :meth:`read`.
    """

    def __init__(self, stream: Any) -> None:
        self.plain = True
        """Whether no HTTP response was found under the stream, so that its end is its own."""
        self._stream = stream
        self._items: deque[object] = deque()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._error: BaseException | None = None
        self._cancelled = False
        self._loop: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()

    async def read(self) -> object:
        """Wait for the next item.

        Returns:
            What the stream yielded.

        Raises:
            StopAsyncIteration: The stream has ended by itself.
            StreamCancelledError: The stream was closed before its end.
            BaseException: Whatever reading it raised.
        """
        self._loop = asyncio.get_running_loop()
        while True:
            if self._cancelled:
                raise StreamCancelledError("the model's stream was closed before its end")
            if self._items:
                item = self._items.popleft()
                self._make_room()
                return item
            if self._error is not None:
                raise self._error
            if self._ended.is_set():
                raise StopAsyncIteration
            self._start()
            self._news.clear()
            await self._news.wait()

    def cancel(self) -> None:
        """Stop reading and close the stream, soon; from any thread, any number of times."""
        loop = self._loop
        if self._cancelled or loop is None:
            return
        with suppress(RuntimeError):  # The loop is closed, and took the connection with it.
            loop.call_soon_threadsafe(self._cancel)

    async def aclose(self, grace: float = 0.0) -> None:
        """Stop reading and wait until the stream is closed.

        Args:
            grace: Seconds to let the stream end by itself, which keeps its connection usable.
        """
        self._loop = asyncio.get_running_loop()
        if grace and self._started():
            self._items.clear()
            self._make_room()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._ended.wait()
        self._cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._ended.wait()

    def _put(self, item: object) -> None:
        self._items.append(item)
        self._news.set()

    def _finish(self, error: BaseException | None = None) -> None:
        self._error = error
        self._ended.set()
        self._news.set()

    def _cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._items.clear()
            self._news.set()
            self._stop()

    @abstractmethod
    def _started(self) -> bool: ...

    @abstractmethod
    def _start(self) -> None: ...

    @abstractmethod
    def _stop(self) -> None: ...

    @abstractmethod
    def _make_room(self) -> None: ...
