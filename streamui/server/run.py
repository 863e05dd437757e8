"""One call of a server function, from its start to the end of everything it opened."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import time
from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Literal, Protocol, cast, runtime_checkable

from streamui.errors import RunTimeoutError, StreamUIError
from streamui.models.failures import as_model_error
from streamui.redaction import redacted_traceback
from streamui.server import telemetry
from streamui.server.body import Body, Emit, walk
from streamui.server.limits import timed
from streamui.server.metrics import observed
from streamui.settings import settings
from streamui.streamable.base import Streamable
from streamui.streamable.failure import Failure, words_for_log
from streamui.streamable.log import Status
from streamui.streamable.scope import current_scope

logger = logging.getLogger("streamui")
telemetry.listen()

RunStatus = Status | Literal["running", "waiting"]
_OPEN = ("running", "waiting")


@runtime_checkable
class Closable(Protocol):
    """Something that holds a connection, such as a provider's stream."""

    async def aclose(self) -> None:
        """Let go of it."""
        ...


@runtime_checkable
class Sourced(Protocol):
    """Something that is fed, or feeds, while nobody waits for it: a streamable, an answer."""

    async def wait_source(self) -> None:
        """Wait until that is over."""
        ...


class Run:
    """One call of a server function; the scope of everything that is opened in it.

    However the function ends, each streamable it opened has an end afterwards, and each
    provider's stream is closed.

    Args:
        name: The server function, as events name it.
        page: The page that called, or what stands for it.
        time_limit: Seconds it may take, waiting for its turn included; 0 is no limit, ``None``
            is ``settings.run_limit``.
        latest_wins: A newer call cancels this one, so being cancelled is not being
            interrupted.
        label: What the log calls it; its name by default.
    """

    def __init__(
        self,
        name: str,
        page: str,
        *,
        time_limit: float | None = None,
        latest_wins: bool = False,
        label: str = "",
    ) -> None:
        self.id = secrets.token_urlsafe(16)
        self.name = name
        self.label = label or name
        self.page = page
        self.status: RunStatus = "running"
        self.failure: Failure | None = None
        self.turns: set[Hashable] = set()  # the turns it has now
        self._time_limit = settings.run_limit if time_limit is None else time_limit
        self._told = False  # a streamable of it has told its page how it ended
        self._overdue: RunTimeoutError | None = None
        self._last_sign = time.monotonic()
        self._latest_wins = latest_wins
        self._opened: dict[int, object] = {}
        self._broken_off: Literal["", "cancelled", "interrupted"] = ""
        self._task: asyncio.Task[Any] | None = None
        self._force: asyncio.TimerHandle | None = None

    # -- the scope ----------------------------------------------------------------------

    def adopt(self, opened: object) -> bool:
        """Take charge of a streamable or a provider's stream; see :class:`Scope`."""
        if self.status not in _OPEN:  # a task that the function left behind outlives it
            return False
        self._opened[id(opened)] = opened
        self.show_life()
        return True

    def release(self, opened: object) -> None:
        """Forget something that has closed; see :class:`Scope`."""
        self._opened.pop(id(opened), None)
        self.show_life()

    def show_life(self) -> None:
        """Take note that it is not idle, see ``settings.idle_limit``; its writes say so too."""
        self._last_sign = time.monotonic()

    # -- stopping -----------------------------------------------------------------------

    def stop(self) -> None:
        """Stop it wherever it waits; harmless twice, too early and too late.

        It ends as ``cancelled``, whatever the function makes of that. The function sees
        ``asyncio.CancelledError`` at its current ``await`` or ``yield``.
        """
        self._break_off("cancelled")

    def interrupt(self) -> None:
        """Do the same because its process ends; then it ends as ``interrupted``."""
        self._break_off("interrupted")

    def _break_off(self, status: Literal["cancelled", "interrupted"]) -> None:
        if self._broken_off or self.status not in _OPEN:
            return
        self._broken_off = status
        if self._task is not None:
            self._task.cancel()
            self._end_soon(status)

    def _time_out(self, limit: asyncio.Timeout, words: str) -> None:
        if self._overdue is None:
            self._overdue = RunTimeoutError(f"{self.label} {words}")
            limit.reschedule(asyncio.get_running_loop().time())
            self.failure = Failure.of(self._overdue)
            self._end_soon("error", self.failure, self._overdue)

    def _end_soon(self, *end: Any) -> None:
        # A function that does not give up must not keep its page waiting.
        if self._force is None:
            self._force = asyncio.get_running_loop().call_later(
                settings.stop_grace, self._end_streamables, *end
            )

    def _sign_of_life(self) -> float:
        if self.status == "waiting":
            return time.monotonic()
        last = self._last_sign
        for opened in self._opened.values():
            if isinstance(opened, Streamable):
                last = max(last, cast("Streamable[Any]", opened).last_write)
        return last

    # -- running ------------------------------------------------------------------------

    async def drive(
        self,
        start: Callable[[], Body],
        emit: Emit,
        gate: AbstractAsyncContextManager[None] | None = None,
    ) -> None:
        """Run the function in the current task, to its end.

        Args:
            start: Calls the function; gives its coroutine or async generator.
            emit: Takes each thing that the body yields or returns, ``None`` left out.
            gate: What it has to get through before it starts.

        Raises:
            asyncio.CancelledError: If the task was cancelled by anything but :meth:`stop`.
            StreamUIError: A safe sentence and a reference, if the function raised and no
                streamable of it could tell the page. The log has the rest.
        """
        with observed(self):
            await self._drive(start, emit, gate)

    async def _drive(
        self,
        start: Callable[[], Body],
        emit: Emit,
        gate: AbstractAsyncContextManager[None] | None,
    ) -> None:
        self._task = asyncio.current_task()
        token = current_scope.set(self)
        limit = asyncio.timeout(None)
        end = functools.partial(self._time_out, limit)
        try:
            if self._broken_off:
                raise asyncio.CancelledError
            async with limit:
                with timed(self._time_limit, self._sign_of_life, end):
                    async with gate or nullcontext():
                        await walk(start(), emit, self.show_life)
                        await self._follow_sources()
            if self._overdue is not None:
                raise self._overdue  # it did not want to hear of it
        except asyncio.CancelledError as cause:
            await self._cancelled(cause)
        except Exception as cause:  # any: it is the user's code
            await self._failed(self._overdue or cause)
        except BaseException:
            self._end_streamables("interrupted")
            raise
        else:
            await self._close(self._broken_off or "done")
        finally:
            current_scope.reset(token)
            if self._force is not None:
                self._force.cancel()
            if self._broken_off and self._task is not None:
                self._task.uncancel()  # a stop ends here; the task goes on
            self._task = None

    async def _follow_sources(self) -> None:
        """Wait for the sources that the function left its streamables to follow."""
        for opened in list(self._opened.values()):
            if isinstance(opened, Sourced):
                await opened.wait_source()

    async def _cancelled(self, cause: asyncio.CancelledError) -> None:
        task = self._task
        if self._broken_off:
            await self._close(self._broken_off)
        elif task is not None and not task.cancelling():
            # Nobody cancelled this run: it waited for a task that was cancelled.
            await self._failed(RuntimeError("a task that the function waited for was cancelled"))
        else:
            await self._close("cancelled" if self._latest_wins else "interrupted")
            raise cause

    async def _failed(self, cause: Exception) -> None:
        error = as_model_error(cause) or cause
        failure = self.failure or Failure.of(error)  # one that has run too long has its own already
        words = words_for_log(error)
        if self._broken_off:  # it was stopped, and failed while it cleaned up
            logger.warning("%s failed after its stop: %s", self.label, words)
            await self._close(self._broken_off)
            return
        logger.error("%s failed [%s]: %s", self.label, failure.reference, words)
        await self._close("error", failure, error)
        if not self._told:
            raise StreamUIError(f"{failure.sentence} [{failure.reference}]") from None

    async def _close(
        self, status: Status, failure: Failure | None = None, cause: Exception | None = None
    ) -> None:
        self.status, self.failure = status, failure
        self._end_streamables(status, failure, cause)
        closing = [self._let_go(opened) for opened in list(self._opened.values())]
        if closing:
            # Shielded: a second cancellation must not leave a connection open.
            await asyncio.shield(asyncio.gather(*closing))

    async def _let_go(self, opened: object) -> None:
        self.release(opened)
        if not isinstance(opened, Closable):
            return
        try:
            async with asyncio.timeout(settings.stop_grace):
                await opened.aclose()
        except Exception as error:  # closing is the end of the road; the run's end is decided
            words = redacted_traceback(error)
            logger.warning(
                "Closing %s after %s failed: %s", type(opened).__name__, self.label, words
            )

    def _end_streamables(
        self, status: Status, failure: Failure | None = None, cause: Exception | None = None
    ) -> None:
        for opened in list(self._opened.values()):
            if isinstance(opened, Streamable):
                cast("Streamable[Any]", opened).close(status, failure, cause)
                self._told = True
