"""What an app wants to be told of while its model writes."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from streamui.redaction import redacted_traceback

logger = logging.getLogger("streamui")

Callback: TypeAlias = Callable[[Any], Any]
"""A function of one argument, sync or async."""


async def call(function: Callback | None, argument: Any) -> None:
    """Call a user's function and wait for it; one that fails is logged.

    Args:
        function: Sync or async; ``None`` is nothing to do.
        argument: What it is told.
    """
    if function is None:
        return
    try:
        waiting = function(argument)
        if inspect.isawaitable(waiting):
            await waiting
    except Exception as error:  # any: it is the user's code
        _log(function, error)


class Listener:
    """Tells a user's function of one thing after the other, in their order.

    Args:
        function: Called at once; if it is async, what it does comes after what it does with all
            that came before.
    """

    def __init__(self, function: Callback) -> None:
        self._function = function
        self._waiting: deque[Awaitable[Any]] = deque()
        self._task: asyncio.Task[None] | None = None

    def tell(self, argument: Any) -> None:
        """Call it."""
        try:
            waiting = self._function(argument)
        except Exception as error:  # any: it is the user's code
            _log(self._function, error)
            return
        if inspect.isawaitable(waiting):
            self._waiting.append(waiting)
            if self._task is None or self._task.done():
                self._task = asyncio.get_running_loop().create_task(self._drain())

    async def settle(self) -> None:
        """Wait until it has done what it does with all that it was told."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def drop(self) -> None:
        """Have it do no more."""
        if self._task is not None:
            self._task.cancel()
        while self._waiting:
            close = getattr(self._waiting.popleft(), "close", None)
            if close is not None:
                close()

    async def _drain(self) -> None:
        while self._waiting:
            try:
                await self._waiting.popleft()
            except Exception as error:  # any: it is the user's code
                _log(self._function, error)


def _log(function: Callback, error: Exception) -> None:
    name = getattr(function, "__qualname__", type(function).__name__)
    logger.warning("%s failed: %s", name, redacted_traceback(error))
