"""An answer that is being made, in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from streamui.errors import ModelError, StreamCancelledError, StreamClosedError, StreamUIError
from streamui.models.callbacks import Callback, call
from streamui.models.events import Failure
from streamui.models.failures import as_model_error
from streamui.models.pace import Pace, Pacer
from streamui.models.step import Step
from streamui.models.steps import Question, Steps
from streamui.models.telling import Sink, Telling
from streamui.models.text_result import TextResult
from streamui.models.tool_approvals import Approvals
from streamui.settings import settings
from streamui.streamable.failure import words_for_log
from streamui.streamable.scope import current_scope

logger = logging.getLogger("streamui")

_running: set[Generation] = set()  # a loop keeps only weak references to its tasks


class Generation:
    """One answer; begun when this is made, and ended in exactly one way.

    Args:
        question: What to ask.
        pace: How to smooth the text; ``None`` is not at all.
        timeout: Seconds for all of it; 0 is no limit.
        callbacks: By the names of ``stream_text``'s arguments.

    Raises:
        RuntimeError: No event loop runs.
    """

    def __init__(
        self,
        question: Question,
        *,
        pace: Pace | None = None,
        timeout: float = 0.0,
        callbacks: Mapping[str, Callback | None] | None = None,
    ) -> None:
        self.error: Exception | None = None
        """What it failed with; a :class:`StreamCancelledError` when it was stopped."""
        self._heard = False
        self._callbacks = callbacks or {}
        self._loop = asyncio.get_running_loop()
        self.telling = Telling(self._callbacks.get("on_chunk"), self._refused)
        self.ended = asyncio.Event()
        self.result = TextResult()
        """What came of it, when it has ended."""
        self.feeds = False
        """Whether a streamable needs it, which nobody holds it by."""
        self.approvals = Approvals()
        self._pacer = Pacer(pace, self.telling.tell) if pace is not None else None
        tell = self._pacer.put if self._pacer is not None else self.telling.tell
        self._steps = Steps(question, tell, self.approvals)
        self._timeout = timeout
        self._begun = self._made = self._stopped = False
        self._broken: Exception | None = None
        self._scope = current_scope.get()
        if self._scope is not None:
            self._scope.adopt(self)
        _running.add(self)
        self._task = self._loop.create_task(self._run(), name="streamui answer")
        self._task.add_done_callback(self._conclude)

    @property
    def cursor(self) -> tuple[str, int] | None:
        """Where a background response has been read to."""
        return self._steps.events.cursor if self._steps.events is not None else None

    # -- reading ------------------------------------------------------------------------

    def feed(self, streamable: Sink) -> None:
        """Append all text to a streamable, what there is and what comes."""
        if self.telling.texts:
            streamable.append("".join(self.telling.texts))
        if not self.ended.is_set():
            self.feeds = True
            self.telling.streamables.append(streamable)

    def check(self) -> None:
        """Raise what it ended with, if that is an error."""
        if self.error is not None:
            self._heard = True
            self._release()
            raise self.error

    @property
    def unheard(self) -> Exception | None:
        """The failure that nobody was told of."""
        known = self._heard or isinstance(self.error, StreamCancelledError)
        return None if known or self._callbacks.get("on_error") else self.error

    def __del__(self) -> None:
        """Log a failure that nobody was told of."""
        if (error := self.unheard) is not None:
            logger.error("An answer failed, and nobody looked: %s", words_for_log(error))

    # -- stopping -----------------------------------------------------------------------

    def stop(self) -> None:
        """Stop it; from any thread, any number of times."""
        with suppress(RuntimeError):  # the loop is closed, and everything with it
            self._loop.call_soon_threadsafe(self._stop)

    async def aclose(self) -> None:
        """Stop it and wait until nothing of it is left."""
        self._stop()
        if asyncio.current_task() is not self._task and not self._task.done():
            await asyncio.wait([self._task], timeout=2 * settings.stop_grace)

    async def leave(self) -> tuple[str, int] | None:
        """Stop it here, and let a background response be written on; returns its cursor."""
        events = self._steps.events
        cursor = await events.leave() if events is not None else None
        await self.aclose()
        return cursor

    async def wait_source(self) -> None:
        """Wait for its end, when a streamable is fed by it; a run does so before it ends.

        Raises:
            Exception: It failed, and nobody was told.
        """
        if self.feeds:
            await self.ended.wait()
            if self.unheard is not None:
                self.check()

    def _stop(self) -> None:
        if not self._stopped and not self._task.done():
            self._stopped = True
            # Cancelled before its first step it would take none: that one looks for itself.
            if self._begun:
                self._task.cancel()

    def _refused(self, streamable: Sink, error: Exception) -> None:
        if isinstance(error, StreamClosedError) and streamable.status in (
            "cancelled",
            "interrupted",
        ):
            self._stop()
        elif asyncio.current_task() is self._task:
            raise error
        elif self._broken is None:
            self._broken = error
            self._task.cancel()

    # -- making it ----------------------------------------------------------------------

    async def _run(self) -> None:
        self._begun = True
        interrupted: asyncio.CancelledError | None = None
        try:
            if self._stopped:
                raise asyncio.CancelledError
            await self._make()
        except asyncio.CancelledError as cause:
            if self._broken is None and not self._stopped:
                interrupted = cause  # the event loop is going down
            if not self._made:
                self.error = self._broken or StreamCancelledError("the answer was stopped")
        except Exception as cause:  # any: it is typed from here on
            self.error = as_model_error(cause) or cause
        self._settle()
        # To be stopped while others are told of the end must not undo the end.
        with suppress(asyncio.CancelledError):
            await self._tell_end()
        if interrupted is not None:
            raise interrupted

    async def _make(self) -> None:
        limit = asyncio.timeout(self._timeout or None)
        try:
            async with limit:
                await self._steps.run(self._end_step)
        except TimeoutError as cause:
            if not limit.expired():
                raise
            words = f"the answer took more than {self._timeout:g} s"
            raise ModelError(words, code="timeout") from cause
        self._made = True
        if self._pacer is not None:
            await self._pacer.drain()

    async def _end_step(self, step: Step) -> None:
        await call(self._callbacks.get("on_step"), step)

    def _settle(self) -> None:
        """Tell what is left to tell, and work out what came of it."""
        telling = self.telling
        flush = [self._pacer.flush] if self._pacer is not None else []
        for end in (*flush, *telling.endings):
            try:
                end()
            except Exception as cause:  # a streamable's
                self.error = self.error or cause
        self.error = error = self.error or self._broken
        telling.streamables.clear()
        if error is not None:
            telling.close_parts()
        told = telling.events and telling.events[-1].type in ("error", "finish")
        if error is not None and not isinstance(error, StreamCancelledError) and not told:
            known = error if isinstance(error, StreamUIError) else StreamUIError()
            retry = getattr(known, "retryable", False), getattr(known, "retry_after", None)
            telling.tell(Failure(known.code, known.sentence, *retry))
        self.result = TextResult.of("".join(telling.texts), self._steps.done, error is None)

    async def _tell_end(self) -> None:
        listener, callbacks = self.telling.listener, self._callbacks
        try:
            if isinstance(self.error, StreamCancelledError):
                with suppress(TimeoutError):
                    async with asyncio.timeout(settings.stop_grace):
                        await call(callbacks.get("on_abort"), self.result)
                return
            if listener is not None:
                await listener.settle()
            if self.error is None:
                await call(callbacks.get("on_finish"), self.result)
            else:
                await call(callbacks.get("on_error"), self.error)
        finally:
            if listener is not None:
                listener.drop()

    def _conclude(self, task: asyncio.Task[None]) -> None:
        if not self._begun:  # it was cancelled before its first step
            self.error = StreamCancelledError("the event loop is going down")
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.error = self.error or cast("Exception", fault)
        self.ended.set()
        self.telling.wake()
        _running.discard(self)
        if not (self.feeds and self.unheard):  # a run has to hear of it
            self._release()

    def _release(self) -> None:
        scope, self._scope = self._scope, None
        if scope is not None:
            with suppress(LookupError, ValueError):
                scope.release(self)
