"""A provider's stream, read in a task or a thread of its own.

Whoever opens a stream must also close it in the same task or thread: so the reading has one
that does nothing else, and stopping means ending that.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from typing import Any

from streamui.errors import ModelError, NotStreamableError, StreamCancelledError

AHEAD = 64
"""Items read ahead of the consumer; when they lie there unread, the provider has to wait."""


_PATIENCE = 0.3
"""Seconds to wait for a stream to close; only a user's own blocking iterator takes as long."""


def is_async(stream: Any) -> bool:
    """Say whether something is, or gives when it is entered or awaited, an async stream."""
    return any(hasattr(stream, name) for name in ("__aiter__", "__aenter__", "__await__"))


def is_blocking(stream: Any) -> bool:
    """Say whether something is, or gives when it is entered, a blocking stream."""
    return hasattr(stream, "__iter__") or hasattr(stream, "__enter__")


def check_stream(stream: Any) -> None:
    """Refuse what looks like a stream and is none.

    Args:
        stream: What a user gave, or what the user's function returned.

    Raises:
        NotStreamableError: It is a whole answer, or a text.
    """
    kind = type(stream).__name__
    if hasattr(stream, "model_dump"):
        raise NotStreamableError(f"{kind} is a whole answer, not a stream: call with stream=True")
    if isinstance(stream, str | bytes | bytearray | dict):
        raise NotStreamableError(f"a {kind} is no stream: give an iterable of strings")


class Source(ABC):
    """What a stream yields, in order, and a way to stop it.

    Args:
        stream: What to read, or what to call for it; it is opened at the first :meth:`read`.
    """

    def __init__(self, stream: Any) -> None:
        self.opened: Any = None
        """The stream that is read; ``None`` as long as it is not open."""
        self.plain = True
        """Whether no HTTP response was found under the stream, so that its end is its own."""
        self._stream = stream
        self._items: deque[object] = deque()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._error: BaseException | None = None
        self._cancelled = False
        self._silent = False
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()

    async def read(self, limit: float | None = None) -> object:
        """Wait for the next item.

        Args:
            limit: Seconds to wait at most, opening the stream included; ``None`` is no limit.

        Returns:
            What the stream yielded.

        Raises:
            StopAsyncIteration: The stream has ended by itself.
            StreamCancelledError: The stream was closed before its end.
            ModelError: ``timeout``: nothing came in time.
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
            self._watch(limit)
            await self._news.wait()
            if self._silent and not (self._items or self._cancelled or self._ended.is_set()):
                raise ModelError(f"nothing came for {limit:g} s", code="timeout")

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

    def _watch(self, limit: float | None) -> None:
        """Wake the reader after so many seconds without news.

        The timer is not set anew for each item, which would cost more than all of the reading:
        when it is over, it looks whether the deadline has moved.
        """
        assert self._loop is not None
        self._silent = False
        self._deadline = math.inf if limit is None else self._loop.time() + limit
        if self._timer is None or self._timer.when() > self._deadline:
            self._unwatch()
            if limit is not None:
                self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        assert self._loop is not None
        self._timer = None
        if self._deadline <= self._loop.time():
            self._silent = True
            self._news.set()
        elif self._deadline < math.inf:
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _put(self, item: object) -> None:
        self._items.append(item)
        self._news.set()

    def _finish(self, error: BaseException | None = None) -> None:
        self._error = error
        self._unwatch()
        self._ended.set()
        self._news.set()

    def _cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._unwatch()
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
