"""The open parts of an answer, so that each is ended exactly once whatever happens."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from streamui.errors import ModelError
from streamui.models.events import (
    ModelEvent,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
)

Maker: TypeAlias = Callable[[str, str], ModelEvent]


class WrittenPart:
    """A text, a reasoning or a refusal that is being written.

    It joins surrogate pairs that a provider has split between two deltas, and it knows when a
    provider's final text says that a delta was lost.
    """

    def __init__(self, id: str, start: Maker | None, delta: Callable[..., ModelEvent]) -> None:
        self.id = id
        self.provider_event = ""
        self._start = start
        self._delta = delta
        self._half = ""
        self._length = 0
        self._sum = 0

    def begin(self, provider_event: str) -> Iterator[ModelEvent]:
        """Announce the part."""
        self.provider_event = provider_event
        if self._start is not None:
            yield self._start(self.id, provider_event)

    def write(self, delta: str, provider_event: str) -> Iterator[ModelEvent]:
        """Pass on a delta."""
        self.provider_event = provider_event
        self._length += len(delta)
        self._sum = _checksum(delta, self._sum)
        delta, self._half = _whole(self._half + delta)
        if delta:
            self.keep(delta)
            yield self._delta(self.id, delta, provider_event)

    def keep(self, delta: str) -> None:
        """Remember a delta; only a part that needs its whole text does."""

    def complete(self, text: object, provider_event: str) -> Iterator[ModelEvent]:
        """Compare with the whole text that the provider gives at the end.

        Raises:
            ModelError: ``malformed``: the deltas are not a beginning of the text.
        """
        if not isinstance(text, str) or len(text) <= self._length:
            return
        if _checksum(text[: self._length], 0) != self._sum:
            raise ModelError(f"{provider_event}: part of the text was lost", code="malformed")
        yield from self.write(text[self._length :], provider_event)

    def end(self, provider_event: str) -> Iterator[ModelEvent]:
        """End the part."""
        if self._half:
            half, self._half = self._half, ""
            self.keep(half)
            yield self._delta(self.id, half, provider_event)
        yield self.ended(provider_event)

    def ended(self, provider_event: str) -> ModelEvent:
        """Make the event that says so."""
        raise NotImplementedError


class TextPart(WrittenPart):
    """A text that is being written."""

    def __init__(self, id: str) -> None:
        super().__init__(id, TextStart, TextDelta)

    def ended(self, provider_event: str) -> ModelEvent:  # noqa: D102 -- as its base says
        return TextEnd(self.id, provider_event)


class ReasoningPart(WrittenPart):
    """A reasoning that is being written."""

    def __init__(self, id: str) -> None:
        super().__init__(id, ReasoningStart, ReasoningDelta)

    def ended(self, provider_event: str) -> ModelEvent:  # noqa: D102 -- as its base says
        return ReasoningEnd(self.id, provider_event)


class RefusalPart(WrittenPart):
    """A refusal that is being written."""

    def __init__(self, id: str) -> None:
        super().__init__(id, None, RefusalDelta)
        self._said: list[str] = []

    def keep(self, delta: str) -> None:  # noqa: D102 -- as its base says
        self._said.append(delta)

    def ended(self, provider_event: str) -> ModelEvent:  # noqa: D102 -- as its base says
        return RefusalEnd(self.id, "".join(self._said), provider_event)


@dataclass(slots=True)
class CallPart:
    """A tool call whose arguments are being written."""

    id: str
    name: str
    arguments: list[str]

    def begin(self, provider_event: str) -> ModelEvent:
        """Announce the call."""
        return ToolCallStart(self.id, self.name, provider_event)

    def write(self, delta: str, provider_event: str) -> Iterator[ModelEvent]:
        """Pass on a piece of the arguments."""
        if delta:
            self.arguments.append(delta)
            yield ToolCallDelta(self.id, delta, provider_event)

    def end(self, provider_event: str, arguments: object = None) -> ModelEvent:
        """Make the complete call, with the provider's own arguments where it repeats them."""
        whole = arguments if isinstance(arguments, str) and arguments else "".join(self.arguments)
        return ToolCall(self.id, self.name, whole, provider_event)


def _checksum(text: str, start: int) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"), start)


def _whole(text: str) -> tuple[str, str]:
    """Split off a trailing half of a surrogate pair, and join the pairs before it."""
    half = ""
    if text and "\ud800" <= text[-1] <= "\udbff":
        text, half = text[:-1], text[-1]
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return text, half
