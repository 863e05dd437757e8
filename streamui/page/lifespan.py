"""Streams start and end with their Reflex app, in each of its processes.

The seams are the app's own lifespan, and what Granian does with signals: it gives them to the app
only when every socket is cut and every response has ended.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any

import wrapt

from streamui.page.frames import pages
from streamui.server.draining import draining
from streamui.server.lifespan import begin, end
from streamui.server.signals import loop_waits, uvicorn_waits

draining.last.append(pages.finish)


def _run_lifespan_tasks(
    run: Callable[..., AbstractAsyncContextManager[None]],
    app: object,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> AbstractAsyncContextManager[None]:
    return _around(run(*args, **kwargs))


@asynccontextmanager
async def _around(lifespan: AbstractAsyncContextManager[None]) -> AsyncGenerator[None]:
    begin()
    draining.hurried = _in_development()
    try:
        with uvicorn_waits():
            async with lifespan:
                try:
                    yield
                finally:
                    # Reflex cancels what runs, and saves the states: before, it has had its time.
                    await draining.drain()
    finally:
        await end()


def _in_development() -> bool:
    """Return whether a change of the code must show at once; Reflex kills what takes 2 s."""
    from reflex_base.environment import environment

    return environment.REFLEX_DEV_BACKEND_RELOAD_ACTIVE.get()


def _set_loop_signals(
    set_signals: Callable[..., Any], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    event = set_signals(*args, **kwargs)
    try:
        loop_waits(kwargs.get("loop") or args[0], event.set)
    except NotImplementedError:  # Windows: the sockets are cut first
        pass
    return event


# When they are imported: this may be imported while Reflex is.
@wrapt.when_imported("reflex.app_mixins.lifespan")
def _with_reflex(module: ModuleType) -> None:
    wrapt.wrap_function_wrapper(module, "LifespanMixin._run_lifespan_tasks", _run_lifespan_tasks)


@wrapt.when_imported("granian._signals")
def _with_granian(module: ModuleType) -> None:
    wrapt.wrap_function_wrapper(module, "set_loop_signals", _set_loop_signals)
