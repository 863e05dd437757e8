"""One call of a server function, from its start to the end of everything it opened."""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Literal, Protocol, cast, runtime_checkable

from streamui.errors import RunTimeoutError
from streamui.models.failures import as_model_error
from streamui.redaction import redacted_traceback
from streamui.settings import settings
from streamui.streamable.base import Streamable
from streamui.streamable.failure import Failure
from streamui.streamable.log import Status
from streamui.streamable.scope import current_scope

logger = logging.getLogger("streamui")

RunStatus = Status | Literal["running", "waiting"]
Body = AsyncGenerator[Any, None] | Coroutine[Any, Any, Any]
Emit = Callable[[Any], Awaitable[None]]


@runtime_checkable
class Closable(Protocol):
    """Something that holds a connection, such as a provider's stream."""

    async def aclose(self) -> None:
        """Let go of it."""
        ...


class Run:
    """One call of a server function; the scope of everything that is opened in it.

    However the function ends, each streamable it opened has an end afterwards, and each
    provider's stream is closed.

    Args:
        name: The server function.
        page: The page that called, or what stands for it.
        time_limit: Seconds it may take, waiting for its turn included; ``None`` is no limit.
        latest_wins: A newer call cancels this one, so being cancelled is not being
            interrupted.
    """

    def __init__(
        self,
        name: str,
        page: str,
        *,
        time_limit: float | None = None,
        latest_wins: bool = False,
    ) -> None:
        self.id = secrets.token_urlsafe(16)
        self.name = name
        self.page = page
        self.status: RunStatus = "running"
        self._time_limit = time_limit
        self._latest_wins = latest_wins
        self._opened: dict[int, object] = {}
        self._stopping = False
        self._task: asyncio.Task[Any] | None = None
        self._force: asyncio.TimerHandle | None = None

    # -- the scope ----------------------------------------------------------------------

    def adopt(self, opened: object) -> None:
        """Take charge of a streamable or a provider's stream; see :class:`Scope`."""
        self._opened[id(opened)] = opened

    def release(self, opened: object) -> None:
        """Forget something that has closed; see :class:`Scope`."""
        self._opened.pop(id(opened), None)

    # -- stopping -----------------------------------------------------------------------

    def stop(self) -> None:
        """Stop it wherever it waits; harmless twice, too early and too late.

        The function sees ``asyncio.CancelledError`` at its current ``await`` or ``yield``.
        """
        if self._stopping or self.status not in ("running", "waiting"):
            return
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            # A function that does not give up must not keep its page waiting.
            self._force = asyncio.get_running_loop().call_later(
                settings.stop_grace, self._end_streamables, "cancelled"
            )

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
            Exception: What the function raised, if no streamable of it could tell the page.
        """
        self._task = asyncio.current_task()
        token = current_scope.set(self)
        limit = asyncio.timeout(self._time_limit)
        try:
            if self._stopping:
                raise asyncio.CancelledError
            async with limit, gate or nullcontext():
                await self._walk(start(), emit)
                await self._follow_sources()
        except asyncio.CancelledError:
            await self._cancelled()
        except TimeoutError as cause:
            if not limit.expired():
                await self._failed(cause)
            else:
                await self._failed(RunTimeoutError(f"{self.name} ran for {self._time_limit:g} s"))
        except Exception as cause:  # any: it is the user's code
            await self._failed(cause)
        else:
            await self._close("done")
        finally:
            current_scope.reset(token)
            if self._force is not None:
                self._force.cancel()
            self._task = None

    async def _walk(self, body: Body, emit: Emit) -> None:
        if inspect.iscoroutine(body):
            if (result := await body) is not None:
                await emit(result)
            return
        steps = cast("AsyncGenerator[Any, None]", body)
        try:
            async for item in steps:
                try:
                    if item is not None:
                        await emit(item)
                    await asyncio.sleep(0)  # frames go out, a stop comes in
                except BaseException as stop:
                    # It happened while the function stood at its yield: let it hear there.
                    await _throw(steps, stop)
                    raise
        finally:
            await steps.aclose()

    async def _follow_sources(self) -> None:
        """Wait for the sources that the function left its streamables to follow."""
        for opened in list(self._opened.values()):
            if isinstance(opened, Streamable):
                await cast("Streamable[Any]", opened).wait_source()

    async def _cancelled(self) -> None:
        if self._stopping or self._latest_wins:
            await self._close("cancelled")
        else:
            await self._close("interrupted")
        if not self._stopping:
            raise asyncio.CancelledError
        if self._task is not None:
            self._task.uncancel()

    async def _failed(self, cause: Exception) -> None:
        error = as_model_error(cause) or cause
        heard = any(isinstance(opened, Streamable) for opened in self._opened.values())
        failure = Failure.of(error)
        if heard:
            logger.error(
                "%s failed [%s]: %s", self.name, failure.reference, redacted_traceback(error)
            )
        await self._close("error", failure, error)
        if not heard:
            raise error

    async def _close(
        self, status: Status, failure: Failure | None = None, cause: Exception | None = None
    ) -> None:
        self.status = status
        self._end_streamables(status, failure, cause)
        for opened in list(self._opened.values()):
            self.release(opened)
            if isinstance(opened, Closable):
                try:
                    await opened.aclose()
                except Exception:  # closing is the end of the road; the run's end is decided
                    logger.warning("Closing %r after %s failed", opened, self.name, exc_info=True)

    def _end_streamables(
        self, status: Status, failure: Failure | None = None, cause: Exception | None = None
    ) -> None:
        for opened in list(self._opened.values()):
            if isinstance(opened, Streamable):
                cast("Streamable[Any]", opened).close(status, failure, cause)


async def _throw(steps: AsyncGenerator[Any, None], stop: BaseException) -> None:
    try:
        await steps.athrow(stop)
    except StopAsyncIteration:
        pass  # it took the stop and returned
