"""A provider's stream, read in a task or a thread of its own.

Whoever opens a stream must also close it in the same task or thread: so the reading has one
that does nothing else, and stopping means ending that.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any

from streamui.errors import ModelError, StreamCancelledError
from streamui.models.body import content_type, hang_up, response_of, strip_bom

_AHEAD = 64
"""Items read ahead of the consumer; when they lie there unread, the provider has to wait."""


_PATIENCE = 0.3
"""Seconds to wait for a stream to close; only a user's own blocking iterator takes as long."""


class Source:
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

    def _started(self) -> bool:
        raise NotImplementedError

    def _start(self) -> None:
        raise NotImplementedError

    def _stop(self) -> None:
        raise NotImplementedError

    def _make_room(self) -> None:
        raise NotImplementedError


class TaskSource(Source):
    """Reads an async stream, an async context manager of one, or an awaitable of one."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()

    def _started(self) -> bool:
        return self._task is not None

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._pump(), name="streamui model stream")

    def _stop(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._discard(), name="streamui model stream")
        else:
            self._task.cancel()

    def _make_room(self) -> None:
        if len(self._items) < _AHEAD:
            self._room.set()

    async def _pump(self) -> None:
        error: BaseException | None = None
        try:
            async with AsyncExitStack() as stack:
                async for item in await self._open(stack):
                    self._put(item)
                    if len(self._items) >= _AHEAD:
                        self._room.clear()
                        await self._room.wait()
        except asyncio.CancelledError:
            if not self._cancelled:
                error = StreamCancelledError("the event loop is going down")
                raise
        except Exception as raised:  # any: it is the consumer's to judge
            error = raised
        finally:
            self._finish(error)

    async def _open(self, stack: AsyncExitStack) -> AsyncIterator[object]:
        stream = self._stream
        if inspect.isawaitable(stream):
            stream = await stream
        if not hasattr(stream, "__aiter__") and hasattr(stream, "__aenter__"):
            stream = await stack.enter_async_context(stream)
        stack.push_async_callback(_aclose, stream)
        response = response_of(stream)
        if response is not None:
            self.plain = False
            _check(response)
            strip_bom(response)
        # The SDK's streams are iterators as well; their ``__aiter__`` is one generator more,
        # which nothing would close.
        return stream if hasattr(stream, "__anext__") else aiter(stream)

    async def _discard(self) -> None:
        try:
            if inspect.iscoroutine(self._stream):
                self._stream.close()
            else:
                await _aclose(self._stream)
        finally:
            self._finish()


class ThreadSource(Source):
    """Reads a blocking stream, or a context manager of one, in a thread."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._thread: threading.Thread | None = None
        self._room = threading.Semaphore(_AHEAD)
        self._response: Any | None = None

    def _started(self) -> bool:
        return self._thread is not None

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._pump, name="streamui model stream", daemon=True
            )
            self._thread.start()

    def _stop(self) -> None:
        self._start()  # One that was never read is closed in its thread as well.
        self._room.release()
        if self._response is not None:
            hang_up(self._response)

    def _make_room(self) -> None:
        self._room.release()

    def _pump(self) -> None:
        error: BaseException | None = None
        try:
            with ExitStack() as stack:
                for item in self._open(stack):
                    self._room.acquire()
                    if self._cancelled:
                        break
                    self._tell(self._put, item)
        except Exception as raised:  # any: it is the consumer's to judge
            error = raised
        self._response = None
        self._tell(self._finish, error)

    def _open(self, stack: ExitStack) -> Iterator[object]:
        stream = self._stream
        if not hasattr(stream, "__iter__") and hasattr(stream, "__enter__"):
            if self._cancelled:
                return iter(())
            stream = stack.enter_context(stream)
        stack.callback(_close, stream)
        response = response_of(stream)
        if response is not None:
            self.plain = False
            _check(response)
            strip_bom(response)
            self._response = response
        # Only now: a stop that came earlier found no response to hang up.
        return iter(()) if self._cancelled else iter(stream)

    def _tell(self, what: Any, value: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # The loop is closed: nobody listens any more.
            self._loop.call_soon_threadsafe(what, value)


def _check(response: Any) -> None:
    kind = content_type(response)
    if kind in ("text/html", "application/xhtml+xml"):
        raise ModelError(f"{kind} instead of a stream of events", code="malformed")


async def _aclose(stream: Any) -> None:
    close = getattr(stream, "aclose", None) or getattr(stream, "close", None)
    if close is not None:
        closing = close()
        if inspect.isawaitable(closing):
            await closing


def _close(stream: Any) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()
