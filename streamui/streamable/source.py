"""What feeds a streamable from an async iterable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamui.streamable.value import StreamableValue

_running: set[asyncio.Task[None]] = set()  # a loop keeps only weak references to its tasks


class Feeder:
    """The task that writes what a source yields into one streamable.

    Args:
        streamable: A fresh one; nobody else may write to it from now on.
        source: Text is appended, anything else replaces the value.

    Raises:
        RuntimeError: If no event loop runs.
    """

    def __init__(self, streamable: StreamableValue[Any], source: AsyncIterable[Any]) -> None:
        self._task = asyncio.get_running_loop().create_task(_feed(streamable, source))
        _running.add(self._task)
        self._task.add_done_callback(_running.discard)

    def stop(self) -> None:
        """Stop reading the source, because the streamable has ended; harmless from inside."""
        if not self._task.done() and self._task is not _current_task():
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    async def wait(self) -> None:
        """Wait until the source has ended, in whichever way."""
        if not self._task.done():
            await asyncio.wait([self._task])


async def _feed(streamable: StreamableValue[Any], source: AsyncIterable[Any]) -> None:
    items: Any = None
    try:
        items = aiter(source)
        async for item in items:
            if streamable.closed:
                return
            streamable.feed(item)
    except asyncio.CancelledError:
        streamable.cancel()
        raise
    except Exception as cause:  # whatever a source raises is the streamable's error
        streamable.feed_error(cause)
    else:
        streamable.feed_end()
    finally:
        # One that is left in its middle would hold what it reads until it is collected.
        with suppress(Exception):
            if (close := getattr(items, "aclose", None)) is not None:
                await close()


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
