"""Responses that are written whether anybody listens or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from streamui.models.demo.answer import Answer
from streamui.models.demo.pace import CutError, paced
from streamui.models.demo.responses import ResponsesWire
from streamui.models.demo.shelf import Shelf
from streamui.models.demo.wire import NONSENSE

KEPT = 64
"""Responses whose events can still be had."""

_WORDS = (
    b"event: response.output_text.delta\n",
    b"event: response.refusal.delta\n",
    b"event: response.function_call_arguments.delta\n",
)


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
        steering = made.steering
        self._wire = wire
        self._done = done
        self._broken = steering.fault if steering.fault in ("cut", "nonsense") else None
        self._after = steering.after
        self._nonsense = steering.nonsense or NONSENSE
        if self._broken:
            made = replace(made, steering=replace(steering, fault=None))
        self._status = "queued"
        self._over = False
        self._events: list[bytes] = []
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._write(made), name="demo background response")

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
        self._tell()
        return True

    async def read(self, after: int = -1) -> AsyncIterator[bytes]:
        """Read its events as they come.

        Args:
            after: The sequence number of the last one not to read again.

        Yields:
            One event, or several at once.

        Raises:
            CutError: The steering wants this connection cut.
        """
        at, words = after + 1, 0
        while True:
            news = self._news
            while at < len(self._events):
                if self._broken is None:
                    events, at = self._events[at:], len(self._events)
                    yield b"".join(events)
                    continue
                event, at = self._events[at], at + 1
                word = event.startswith(_WORDS)
                if not word or self._after:
                    yield event
                words += word
                if word and words >= self._after:
                    if self._broken == "cut":
                        raise CutError
                    yield self._nonsense
                    return
            if self._over:
                return
            await news.wait()

    async def _write(self, made: Answer) -> None:
        async for chunk in paced(made, self._wire):
            self._status = "in_progress"
            self._events += [event + b"\n\n" for event in chunk.split(b"\n\n") if event]
            self._tell()
        self._over = True
        if self._events[-1].startswith(b"event: error\n"):
            self._status = "failed"
        else:
            self._done()
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def background_responses() -> Shelf[BackgroundResponse]:
    """Make a shelf for them: one that is dropped is no longer written."""
    return Shelf("Response", KEPT, BackgroundResponse.cancel)
