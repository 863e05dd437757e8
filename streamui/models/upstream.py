"""Where a model's items come from: one stream, or several in a row when one breaks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from streamui.errors import ModelError, StreamCancelledError, StreamUIError
from streamui.models.assistants import AssistantRun
from streamui.models.background import Background
from streamui.models.failures import caused, stream_failure
from streamui.models.source import Source
from streamui.settings import settings

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 8.0
"""Seconds before the first repetition, doubled for each further one up to the longest."""

_RESUMES = 5
"""Times in a row that a background response is resumed without a new event of it."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a broken stream goes on.

    Attributes:
        delay: Seconds before the next stream is opened.
        afresh: Whether that is a new answer, not the rest of this one.
    """

    delay: float
    afresh: bool


class Upstream:
    """Reads one stream after the other, and closes what it opened.

    Args:
        source: The first stream.
        open: Opens another one for the same request; ``None`` when nobody can.
        retries: Times to do that, as long as nothing of the answer has arrived.
    """

    def __init__(
        self, source: Source, open: Callable[[], Any] | None = None, retries: int = 0
    ) -> None:
        self.background: Background | AssistantRun | None = None
        """What goes on at the provider without its stream, where it does."""
        self.settled = False
        """Whether the answer has its end, so that there is nothing to stop any more."""
        self.tail = False
        """Whether the stream begins in the middle of a response."""
        self._source = source
        self._open = open
        self._retries = retries
        self._repeated = 0
        self._resumed = 0
        self._at_first = True
        self._next: tuple[Callable[[], Any], float] | None = None
        self._closed = asyncio.Event()
        self._cancelling: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()

    @property
    def plain(self) -> bool:
        """Whether no HTTP response was found, so that a stream's end is its own."""
        return self._source.plain

    @property
    def opened(self) -> object:
        """The stream that is read, as the SDK made it; ``None`` while there is none."""
        return self._source.opened

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that reads it."""
        return self._loop

    @property
    def run(self) -> tuple[str, str] | None:
        """The ids of the thread and the run, of an Assistants stream."""
        run = self.background
        return run.ids if isinstance(run, AssistantRun) and run.id else None

    @property
    def cursor(self) -> tuple[str, int] | None:
        """The id and the last event's number of a background response."""
        background = self.background
        if background is None or background.after is None:
            return None
        return background.id, background.after

    async def read(self, limit: float | None = None) -> object:
        """Wait for the next item; see :meth:`~streamui.models.source.Source.read`.

        Args:
            limit: Seconds to wait at most; the delay before another stream does not count.
        """
        self._loop = asyncio.get_running_loop()
        while True:
            if self._next is not None:
                await self._renew(*self._next)
            item = await self._source.read(limit)
            if self._at_first:
                self._at_first = False
                opened = self._source.opened
                self.background = AssistantRun.of(opened) or Background.of(opened, item)
                self.tail = self.background is not None and self.background.after is not None
            if self.background is None:
                return item
            if self.background.advance(item):
                self._resumed = 0
                return item

    def failure(self, error: Exception, *, begun: bool) -> StreamUIError:
        """Type whatever reading raised; see :func:`~streamui.models.failures.stream_failure`.

        Args:
            error: What it raised.
            begun: Whether anything of the answer had arrived.
        """
        failure = stream_failure(error, begun=begun, plain=self.plain)
        lost = self._resumed and self._source.opened is None
        if lost and isinstance(failure, ModelError) and not failure.retryable:
            # The provider no longer has it: to a reader, the answer is just cut off.
            self.background = None
            return caused(error, "truncated")
        return failure

    def recover(self, failure: StreamUIError, *, told: bool, spoken: bool) -> Recovery | None:
        """Decide whether to go on after a failure; the next :meth:`read` does it then.

        A background response is resumed when its stream broke, however much has arrived. Any
        other is asked for again when nothing has. What opening a stream raises is not tried
        again: the client has done that. Nor is a model that was silent for too long: it may
        be thinking, and to ask again costs as much again.

        Args:
            failure: What happened.
            told: Whether the provider said so, in place of the stream having broken.
            spoken: Whether anything of the answer has been passed on.

        Returns:
            How it goes on, or ``None``: it does not.
        """
        if self._closed.is_set() or not isinstance(failure, ModelError) or not failure.retryable:
            return None
        wanted = failure.retry_after or 0.0
        if wanted > settings.retry_after_limit:
            return None
        silent = failure.code == "timeout"
        background = self.background or AssistantRun.of(self._source.opened)
        if isinstance(background, AssistantRun):
            if not (background.ended and background.renewable):
                return None  # One that goes on lets its thread have no other.
        elif background is not None and background.after is not None and not told:
            # Once tells a dead connection from a silent model.
            if self._resumed >= (1 if silent else _RESUMES):
                return None
            delay = wanted or _delay(self._resumed)
            self._resumed += 1
            self._next = background.open, delay
            return Recovery(delay, afresh=False)
        if self._open is None or spoken or self._repeated >= self._retries:
            return None
        if self._source.opened is None or silent:
            return None
        delay = wanted or _delay(self._repeated)
        self._repeated += 1
        self._at_first, self.background, self.tail = True, None, False
        self._next = self._open, delay
        return Recovery(delay, afresh=True)

    def cancel(self) -> None:
        """Stop reading and close the stream, soon; from any thread, any number of times."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop is closed, and took the connection with it.
                loop.call_soon_threadsafe(self._cancel)

    async def aclose(self, grace: float = 0.0) -> None:
        """Stop reading and wait until the stream is closed, and a background response cancelled.

        Args:
            grace: Seconds to let the stream end by itself, which keeps its connection usable.
        """
        self._loop = asyncio.get_running_loop()
        self._end()
        await self._source.aclose(grace)
        if self._cancelling is not None:
            # For no longer: it is tried on, but whoever stops must not wait for a deaf provider.
            await asyncio.wait([self._cancelling], timeout=settings.stop_grace)

    def _cancel(self) -> None:
        self._end()
        self._source.cancel()

    def _end(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            background = self.background or AssistantRun.of(self._source.opened)
            if background is not None:
                self._cancelling = background.leave(self.settled)

    async def _renew(self, open: Callable[[], Any], delay: float) -> None:
        self._next = None
        await self._source.aclose()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._closed.wait()
        if self._closed.is_set():
            raise StreamCancelledError("the model's stream was closed before its end")
        self._source = type(self._source)(open)


def _delay(times: int) -> float:
    """Choose how long to wait, with jitter so that not everybody comes back at once."""
    return min(_LONGEST_DELAY, _FIRST_DELAY * 2**times) * random.uniform(0.5, 1.0)
