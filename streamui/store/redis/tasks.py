"""The event loop that an engine works in, and its tasks there."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from streamui.redaction import redacted_traceback

T = TypeVar("T")
logger = logging.getLogger("streamui")


class Tasks:
    """What an engine does in the background, in the event loop that uses it.

    Whatever is asked for before there is a loop is done once there is one. When another loop
    uses the engine, the one before, and its tasks with it, is taken for gone.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._running: dict[str, asyncio.Task[None]] = {}
        self._early: list[Callable[[], None]] = []
        self._arrivals: list[Callable[[], None]] = []
        self._closing = False

    def on_arrival(self, arrive: Callable[[], None]) -> None:
        """Call a function in each loop that the engine comes to."""
        self._arrivals.append(arrive)

    def enter(self) -> bool:
        """Make the running event loop the engine's own, if one runs; return whether it is."""
        if threading.get_ident() == self._thread and self._loop is not None:
            if self._loop.is_running():
                return True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._loop is not None and self._loop.is_running() and self._loop is not loop:
            return False  # another thread's loop has it
        if loop is not self._loop:
            self._loop, self._running = loop, {}
            self._thread = threading.get_ident()
            for arrive in self._arrivals:
                arrive()
        early, self._early = self._early, []
        for call in early:
            call()
        return True

    def soon(self, call: Callable[[], None]) -> None:
        """Call a function in the loop's thread: now if this is it."""
        if self.enter():
            call()
        elif self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(call)
        else:
            self._early.append(call)

    async def elsewhere(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the engine's loop, which is another thread's."""
        assert self._loop is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def once(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start a task, unless the one of this name is still running; in the loop's thread."""
        task = self._running.get(name)
        if self._closing:
            return
        if task is not None and not task.done():
            return
        assert self._loop is not None
        # Not in the context of whoever asked first: it belongs to nobody.
        task = self._loop.create_task(
            work(), name=f"streamui-{name}", context=contextvars.Context()
        )
        self._running[name] = task
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        for name in [name for name, each in self._running.items() if each is task]:
            del self._running[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed: %s", task.get_name(), redacted_traceback(error))

    async def cancel(self) -> None:
        """End all tasks; none begins from now on until :meth:`leave`."""
        self._closing = True
        # Again and again: until Python 3.12, wait_for() may swallow a cancellation.
        # https://github.com/python/cpython/issues/86296
        while tasks := list(self._running.values()):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.1)
            await asyncio.sleep(0)  # for _finish

    def leave(self) -> None:
        """Leave the loop, to come back to it or to another one."""
        self._closing = False
        self._loop, self._thread = None, 0
