"""A provider's async stream, read in a task."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from streamui.errors import NotStreamableError, StreamCancelledError
from streamui.models.body import check_kind, response_of, strip_bom
from streamui.models.foreign.libraries import readable
from streamui.models.source import AHEAD, Source, check_stream, is_async

_AGAIN = 0.1
"""Seconds after which a task that still runs is cancelled again,"""

_TIMES = 5
"""and how often at most."""


class TaskSource(Source):
    """Reads an async stream, a context manager or an awaitable of one, or a function's."""

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
            self._insist(self._task, _TIMES)

    def _insist(self, task: asyncio.Task[None], times: int) -> None:
        """Cancel a task, again where that was lost: ``asyncio.wait_for`` does so before 3.12."""
        if times and not task.done():
            task.cancel()
            task.get_loop().call_later(_AGAIN, self._insist, task, times - 1)

    def _make_room(self) -> None:
        if len(self._items) < AHEAD:
            self._room.set()

    async def _pump(self) -> None:
        error: BaseException | None = None
        try:
            async with AsyncExitStack() as stack:
                async for item in await self._open(stack):
                    if self._cancelled:
                        break
                    self._put(item)
                    if len(self._items) >= AHEAD:
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
        if not is_async(stream):
            stream = readable(stream())
        if inspect.isawaitable(stream):
            stream = readable(await stream)
        if not hasattr(stream, "__aiter__") and hasattr(stream, "__aenter__"):
            stream = readable(await stack.enter_async_context(stream))
        stack.push_async_callback(_aclose, stream)
        check_stream(stream)
        if not is_async(stream):
            kind = type(stream).__name__
            raise NotStreamableError(f"{kind} is no async stream: use the async client")
        self.opened = stream
        response = response_of(stream)
        if response is not None:
            self.plain = False
            check_kind(response)
            strip_bom(response)
        # The SDK's streams are iterators as well; their ``__aiter__`` is one generator more,
        # which nothing would close.
        return stream if hasattr(stream, "__anext__") else aiter(stream)

    async def _discard(self) -> None:
        try:
            if inspect.iscoroutine(self._stream):
                self._stream.close()
            elif is_async(self._stream):
                await _aclose(self._stream)
        finally:
            self._finish()


async def _aclose(stream: Any) -> None:
    close = getattr(stream, "aclose", None) or getattr(stream, "close", None)
    if close is not None:
        closing = close()
        if inspect.isawaitable(closing):
            await closing
