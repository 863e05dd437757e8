"""Responses that are written whether anybody listens or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from streamui.models.demo.answer import Answer
from streamui.models.demo.event_log import Breakage, EventLog
from streamui.models.demo.pace import paced
from streamui.models.demo.responses import ResponsesWire
from streamui.models.demo.shelf import Shelf

KEPT = 64
"""Responses whose events can still be had."""


class BackgroundResponse:
    """One response, written in a task of its own.

    The faults of a connection, a cut and nonsense, come after so many words on *each* of its
    connections; the writing goes on.

    Args:
        wire: Writes its bytes.
        made: What it says.
        done: Called when it is complete.
    """

    def __init__(self, wire: ResponsesWire, made: Answer, done: Callable[[], None]) -> None:
        self._wire = wire
        self._done = done
        self._breakage = Breakage.of(made.steering)
        if self._breakage:
            made = replace(made, steering=replace(made.steering, fault=None))
        self._status = "queued"
        self._over = False
        self._log = EventLog()
        self._task = asyncio.create_task(self._write(made), name="demo background response")

    @property
    def size(self) -> int:
        """The bytes that it keeps."""
        return self._log.size

    def body(self) -> dict[str, Any]:
        """Make its form on the wire, as far as it has come."""
        return self._wire.body(self._status)

    def cancel(self) -> bool:
        """Stop writing.

        Returns:
            Whether it was still being written.
        """
        if self._over:
            return False
        self._status = "cancelled"
        self._over = True
        self._task.cancel()
        self._log.rest()
        return True

    def read(self, after: int = -1) -> AsyncIterator[bytes]:
        """Read its events as they come.

        Args:
            after: The sequence number of the last one not to read again.

        Returns:
            The events; they may end with a :class:`~streamui.models.demo.pace.CutError`.
        """
        return self._log.read(after + 1, self._breakage)

    async def _write(self, made: Answer) -> None:
        async for chunk in paced(made, self._wire):
            self._status = "in_progress"
            self._log.write(chunk)
        self._over = True
        if self._log.last.startswith(b"event: error\n"):
            self._status = "failed"
        else:
            self._done()
        self._log.rest()


def background_responses() -> Shelf[BackgroundResponse]:
    """Make a shelf for them: one that is dropped is no longer written."""
    return Shelf("Response", KEPT, BackgroundResponse.cancel)
