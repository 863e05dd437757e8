"""Waking the one task that waits."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress


class Bell:
    """Rung by anybody, in any thread; heard by the task that made it, even if it comes late."""

    __slots__ = ("_loop", "_rung", "_thread", "_waiting")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._rung = False
        self._waiting: asyncio.Future[None] | None = None

    def ring(self, _: object = None) -> None:
        """Wake whoever waits, now or when it next does."""
        if self._rung:
            return
        if threading.get_ident() == self._thread:
            self._ring()
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._ring)

    async def wait(self, seconds: float) -> bool:
        """Wait until it is rung.

        Args:
            seconds: How long at most.

        Returns:
            Whether it was.
        """
        if not self._rung and seconds > 0:
            self._waiting = self._loop.create_future()
            timer = self._loop.call_later(seconds, self._end)
            try:
                await self._waiting
            finally:
                timer.cancel()
                self._waiting = None
        rung, self._rung = self._rung, False
        return rung

    def _ring(self) -> None:
        self._rung = True
        self._end()

    def _end(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
