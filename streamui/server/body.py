"""What a server function does when it is called: its steps, one after the other."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, cast

Body = AsyncGenerator[Any, None] | Coroutine[Any, Any, Any]
Emit = Callable[[Any], Awaitable[None]]


async def walk(body: Body, emit: Emit, step: Callable[[], None]) -> None:
    """Run a function to its end; a stop is raised in it, where it stands.

    Args:
        body: The function's coroutine or async generator.
        emit: Takes each thing that it yields or returns, ``None`` left out.
        step: Called whenever it yields.
    """
    if inspect.iscoroutine(body):
        if (result := await body) is not None:
            await emit(result)
        return
    steps = cast("AsyncGenerator[Any, None]", body)
    try:
        async for item in steps:
            try:
                step()
                if item is not None:
                    await emit(item)
                await asyncio.sleep(0)  # frames go out, a stop comes in
            except BaseException as stop:
                # It happened while the function stood at its yield: let it hear there.
                await _throw(steps, stop)
                raise
    finally:
        await steps.aclose()


async def _throw(steps: AsyncGenerator[Any, None], stop: BaseException) -> None:
    try:
        await steps.athrow(stop)
    except StopAsyncIteration:
        pass  # it took the stop and returned
