"""What a model's answer has told so far, for whoever reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from streamui.models.callbacks import Callback, Listener
from streamui.models.events import ModelEvent, ReasoningEnd, TextEnd


class Sink(Protocol):
    """Something that gets the text: a streamable, or what makes its value of the text."""

    @property
    def status(self) -> str:
        """That of the streamable."""
        ...

    def append(self, piece: str) -> object:
        """Take more text."""
        ...


Refused = Callable[[Sink, Exception], None]


class Telling:
    """All events of an answer, kept for readers who come at any time.

    Args:
        on_chunk: A user's function that is told of each, or ``None``.
        refused: Called when a streamable does not take the text; may raise.
    """

    def __init__(self, on_chunk: Callback | None, refused: Refused) -> None:
        self.events: list[ModelEvent] = []
        """All that was told so far."""
        self.texts: list[str] = []
        """The text among it; an empty line parts what was written before and after tools."""
        self.listener = Listener(on_chunk) if on_chunk is not None else None
        self.streamables: list[Sink] = []
        """Those that get the text."""
        self.endings: list[Callable[[], None]] = []
        """Called when all is told; each may raise."""
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._waiters: list[asyncio.Future[None]] = []
        self._parts: dict[str, TextEnd | ReasoningEnd] = {}
        self._gap = ""

    def tell(self, event: ModelEvent) -> None:
        """Let everybody know of an event.

        Raises:
            Exception: What ``refused`` raised.
        """
        self.events.append(event)
        if event.type == "text-delta":
            delta = event.delta
            if self._gap:
                delta, self._gap = self._gap + delta, ""
            self.texts.append(delta)
            for streamable in self.streamables:
                try:
                    streamable.append(delta)
                except Exception as error:  # it is too long, or closed
                    self.refuse(streamable, error)
                    break
        else:
            self._mark(event)
        if self.listener is not None:
            self.listener.tell(event)
        if self._waiters:
            self.wake()

    def refuse(self, streamable: Sink, error: Exception) -> None:
        """Give a streamable no more, which does not take what it got.

        Raises:
            Exception: What ``refused`` raised.
        """
        self.streamables.remove(streamable)
        self._refused(streamable, error)

    def close_parts(self) -> None:
        """End the parts that are open, because the answer broke off."""
        for end in list(self._parts.values()):
            self.tell(end)

    async def wait(self) -> None:
        """Wait until there is more, or somebody is to look."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            with suppress(ValueError):
                self._waiters.remove(waiter)

    def wake(self) -> None:
        """Have those who wait look again."""
        # Once for all that is told before they run: until then nobody waits any more.
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _mark(self, event: ModelEvent) -> None:
        """Note where a part begins and ends."""
        if event.type == "text-start":
            self._parts[event.id] = TextEnd(event.id)
        elif event.type == "reasoning-start":
            self._parts[event.id] = ReasoningEnd(event.id)
        elif event.type == "step-start" and self.texts:
            self._gap = "" if self.texts[-1].endswith("\n") else "\n\n"
        elif event.type == "text-end" or event.type == "reasoning-end":
            self._parts.pop(event.id, None)
