"""``@server_function``: a Reflex event handler that streams and can be stopped."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, TypeVarTuple, cast, overload

from reflex_base.event import EventCallback, EventHandler, EventSpec, event
from reflex_base.utils.format import format_event_handler
from reflex_components_sonner.toast import toast

from streamui.errors import LimitError, PageError, RestartingError, StreamUIError
from streamui.page import link
from streamui.page.connection import StreamConnection
from streamui.page.leaving import when_page_leaves
from streamui.page.vars import StreamableVar
from streamui.server.draining import draining
from streamui.server.limits import open_runs
from streamui.server.run import Run
from streamui.server.runs import runs

logger = logging.getLogger("streamui")
P = TypeVarTuple("P")
_MARK = "_streamui_server_function"


@overload
def server_function(function: Callable[[Any, *P], Any]) -> EventCallback[*P]: ...


@overload
def server_function(
    function: None = None,
    *,
    supersedes: bool = False,
    time_limit: float | None = None,
    concurrency: int | None = None,
    stop_on_leave: bool = False,
) -> Callable[[Callable[[Any, *P], Any]], EventCallback[*P]]: ...


def server_function(
    function: Any = None,
    *,
    supersedes: bool = False,
    time_limit: float | None = None,
    concurrency: int | None = None,
    stop_on_leave: bool = False,
) -> Any:
    """Make a state method a server function: it streams, and it can be stopped.

    It runs beside the page's other events, without their state lock; ``async with self`` takes
    the lock for a moment, as in any Reflex background event. Each ``yield`` lets frames out and
    is a point where a stop takes effect; what it yields is handled as Reflex does. When it
    ends, whatever it opened and left open is closed: done, error or cancelled.

    Follows React's server functions.

    Args:
        function: An ``async def`` method of a state, with or without ``yield``.
        supersedes: A new call on a page cancels the one before.
        time_limit: Seconds a call may take, waiting for its turn included, before it ends with a
            ``timeout`` error; 0 is no limit, by default it is ``settings.run_limit``.
        concurrency: How many calls may run at once on a page; more wait for their turn.
        stop_on_leave: Stop it when its page has been gone for ``settings.leave_grace``
            seconds. By default it goes on, and a reload finds it.

    Raises:
        PageError: If the method is not ``async`` or an option makes no sense.

    Example:
        class Assistant(rx.State):
            answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

            @ui.server_function
            async def ask(self, question: str):
                answer = ui.StreamableValue("")
                async with self:
                    self.answer = answer
                for word in question.split():
                    answer.append(word + " ")
                    yield
    """
    if function is None:
        return functools.partial(
            server_function,
            supersedes=supersedes,
            time_limit=time_limit,
            concurrency=concurrency,
            stop_on_leave=stop_on_leave,
        )
    name = getattr(function, "__qualname__", repr(function))
    if not (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        raise PageError(f"@server_function: {name} must be an `async def` method of a state")
    if concurrency is not None and concurrency < 1:
        raise PageError(f"@server_function: {name} has concurrency={concurrency}; use 1 or more")
    if time_limit is not None and time_limit < 0:
        raise PageError(f"@server_function: {name} has time_limit={time_limit}; 0 is no limit")

    @functools.wraps(function)
    async def handler(self: Any, *args: Any, **kwargs: Any) -> None:
        page, label = link.current_token() or "", f"{function.__module__}.{name}"
        try:
            draining.check()
            open_runs.enter(page)
        except (RestartingError, LimitError) as refusal:
            logger.warning("%s was refused: %s", label, refusal)
            await link.emit_events(self, toast.error(refusal.sentence), name)
            return
        run = Run(
            f"{self.get_full_name()}.{function.__name__}",
            page,
            time_limit=time_limit,
            latest_wins=supersedes,
            label=label,
        )
        runs.add(run)
        leaving = when_page_leaves(run.page, run.stop) if stop_on_leave else None
        try:
            await run.drive(
                lambda: function(self, *args, **kwargs),
                lambda events: link.emit_events(self, events, name),
                runs.gate(run, concurrency),
            )
        except StreamUIError:  # it is in the log, and no stream can tell the page
            if run.failure is None or link.told_by_app():
                raise
            words = f"{run.failure.sentence} ({run.failure.reference})"
            await link.emit_events(self, toast.error(words), name)
        finally:
            if leaving is not None:
                leaving.cancel()
            try:
                await asyncio.shield(link.settle(self))
            finally:  # not before: whoever waits for the runs to end waits for what they leave, too
                runs.remove(run)
                open_runs.leave(page)

    setattr(handler, _MARK, True)
    return event(background=True, supersedes=supersedes)(handler)


def stop(target: Any) -> EventSpec:
    """Make the event that stops a server function's running call on this page, or a stream.

    Partial text stays, the provider's connection is closed, and the streamables of the call
    end as ``cancelled``. Calls that wait for their turn are stopped only when none runs.
    Stopping twice or too late is harmless.

    Args:
        target: The server function, as ``State.ask``; or a streamable, as ``State.answer``, to
            stop whoever makes it: any page that may read it may, whichever called.

    Returns:
        An event for any trigger, such as ``on_click``; a handler may yield or return it too.

    Raises:
        PageError: If ``target`` is neither.
    """
    if isinstance(target, StreamableVar):
        return cast("Any", StreamConnection.stop_stream)(target.id)
    inner = getattr(target, "handler", target)
    if not isinstance(inner, EventHandler) or not getattr(inner.fn, _MARK, False):
        function = getattr(inner, "fn", inner)
        raise PageError(
            f"stop() takes a @server_function of a state, as in ui.stop(State.ask), or a "
            f"streamable, as in ui.stop(State.answer); "
            f"{getattr(function, '__qualname__', function)!r} is neither"
        )
    return cast("Any", StreamConnection.stop_runs)(format_event_handler(inner))
