"""Waking the one task that waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


class Bell:
    """Rung by anybody, in any thread; heard by the task that made it, even if it comes late.

    Attributes:
        stopped: Whether there is nothing to wait for any more.
    """

    __slots__ = ("_loop", "_rung", "_sleeping", "_thread", "_waiting", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._rung = self._sleeping = False
        self._waiting: asyncio.Future[None] | None = None

    def ring(self, _: object = None) -> None:
        """Wake whoever waits, now or when it next does."""
        if not self._rung:
            self._call(self._ring)

    def stop(self) -> None:
        """Let nobody wait any more."""
        self.stopped = True
        self._call(self._ring)

    async def wait(self, seconds: float) -> bool:
        """Wait until it is rung.

        Args:
            seconds: How long at most.

        Returns:
            Whether it was.
        """
        if not self._rung and seconds > 0:
            await self._pause(seconds)
        rung, self._rung = self._rung, False
        return rung

    async def sleep(self, seconds: float) -> None:
        """Let some time pass, whether it is rung or not."""
        if seconds > 0 and not self.stopped:
            self._sleeping = True
            await self._pause(seconds)
            self._sleeping = False

    async def _pause(self, seconds: float) -> None:
        self._waiting = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._end)
        try:
            await self._waiting
        finally:
            timer.cancel()
            self._waiting = None

    def _call(self, function: Callable[[], None]) -> None:
        if threading.get_ident() == self._thread:
            function()
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(function)

    def _ring(self) -> None:
        self._rung = True
        if self.stopped or not self._sleeping:
            self._end()

    def _end(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
