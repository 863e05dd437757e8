"""Running a tool's function, of whichever kind."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing, suppress
from typing import Any, cast

from streamui.models.tool_context import ToolOutput

Tell = Callable[[Any], None]


async def run_function(function: functools.partial[Any], progress: Tell) -> Any:
    """Run a function to its result: in this task if it is async, else in a thread.

    Cancelling this cancels an async one where it waits. A thread cannot be ended: what it gives
    is dropped then, and a generator in one ends at its next ``yield``.

    Args:
        function: With all its arguments. Each ``yield`` of a generator is progress, and the last
            is its result.
        progress: Takes what is told on the way; from any thread.

    Returns:
        What the function gave.
    """
    dropped = threading.Event()
    try:
        if _is_async(function.func):
            made = function()
        else:
            made = await _in_thread(lambda: _walked(function(), progress, dropped))
        if inspect.isasyncgen(made):
            return await _walked_async(cast("AsyncGenerator[Any]", made), progress)
        return await made if inspect.isawaitable(made) else made
    finally:
        dropped.set()


def _is_async(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = cast("functools.partial[Any]", function).func
    called = getattr(function, "__call__", None)  # noqa: B004 -- an object's own may be async
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, called)
    )


async def _walked_async(steps: AsyncGenerator[Any], progress: Tell) -> Any:
    item = None
    async with aclosing(steps):
        async for item in steps:
            progress(_for_page(item))
    return item


def _walked(made: Any, progress: Tell, dropped: threading.Event) -> Any:
    if not inspect.isgenerator(made):
        return made
    item = None
    with closing(cast("Generator[Any]", made)) as steps:
        for item in steps:
            if dropped.is_set():
                break
            progress(_for_page(item))
    return item


def _for_page(item: Any) -> Any:
    return item.page if isinstance(item, ToolOutput) else item


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Run something in a thread of its own, which the process's end does not wait for."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result((result, error))

    def run() -> None:
        result = error = None
        try:
            result = context.run(work)
        except BaseException as raised:  # any: it is the task's to judge
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="streamui tool", daemon=True).start()
    result, error = await ended
    if error is not None:
        raise error
    return result
