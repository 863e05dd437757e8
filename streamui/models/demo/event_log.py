"""Events that are written once and read by anybody, from any place on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from streamui.models.demo.pace import CutError
from streamui.models.demo.steering import Steering
from streamui.models.demo.wire import NONSENSE

_WORDS = (
    b"event: response.output_text.delta\n",
    b"event: response.refusal.delta\n",
    b"event: response.function_call_arguments.delta\n",
    b"event: thread.message.delta\n",
    b"event: thread.run.step.delta\n",
)


@dataclass(frozen=True, slots=True)
class Breakage:
    """What goes wrong with each connection of those who read, while the writing goes on.

    Attributes:
        cut: Whether the connection is cut, or else nonsense sent.
        after: How many words to send before that.
        nonsense: What to send.
    """

    cut: bool
    after: int
    nonsense: bytes = NONSENSE

    @classmethod
    def of(cls, steering: Steering) -> Breakage | None:
        """Find it in a steering; ``None`` when the connections are left alone."""
        if steering.fault not in ("cut", "nonsense"):
            return None
        return cls(steering.fault == "cut", steering.after, steering.nonsense or NONSENSE)


class EventLog:
    """The events of one background response or of one run."""

    def __init__(self) -> None:
        self._events: list[bytes] = []
        self._news = asyncio.Event()
        self._rests = False

    @property
    def size(self) -> int:
        """The bytes of all events."""
        return sum(map(len, self._events))

    @property
    def last(self) -> bytes:
        """The last event; empty when there is none yet."""
        return self._events[-1] if self._events else b""

    def write(self, chunk: bytes) -> None:
        """Add events.

        Args:
            chunk: Any number of whole ones.
        """
        self._events += [event + b"\n\n" for event in chunk.split(b"\n\n") if event]
        self._tell()

    def rest(self) -> None:
        """Say that there are no more: whoever reads is done."""
        self._rests = True
        self._tell()

    async def read(self, at: int = 0, breakage: Breakage | None = None) -> AsyncIterator[bytes]:
        """Read events as they come.

        Args:
            at: Where to begin.
            breakage: What goes wrong on the way.

        Yields:
            One event, or several at once.

        Raises:
            CutError: This connection is to be cut.
        """
        words = 0
        while True:
            news = self._news
            while at < len(self._events):
                if breakage is None:
                    events, at = self._events[at:], len(self._events)
                    yield b"".join(events)
                    continue
                event, at = self._events[at], at + 1
                word = event.startswith(_WORDS)
                if not word or breakage.after > 0:
                    yield event
                words += word
                if word and words >= breakage.after:
                    if breakage.cut:
                        raise CutError
                    yield breakage.nonsense
                    return
            if self._rests:
                return
            await news.wait()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
