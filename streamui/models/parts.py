"""The open parts of an answer, so that each is ended exactly once whatever happens."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

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
from streamui.streamable.json_value import clean_text

_LONE = "\ufffd"
"""In place of half a surrogate pair, which has no UTF-8 form; as everywhere here."""


class WrittenPart(ABC):
    """A text, a reasoning or a refusal that is being written.

    It joins surrogate pairs that a provider has split between two deltas, and it knows when a
    provider's final text says that a delta was lost.

    Args:
        id: Names it in its events.
        tail: Whether its beginning went to somebody else, so that the final text says nothing.
    """

    def __init__(self, id: str, tail: bool = False) -> None:
        self.id = id
        self.provider_event = ""
        self._tail = tail
        self._half = ""
        self._length = 0
        self._sum = 0

    def begin(self, provider_event: str) -> Iterator[ModelEvent]:
        """Announce the part."""
        self.provider_event = provider_event
        started = self._started(provider_event)
        if started is not None:
            yield started

    def write(self, delta: str, provider_event: str) -> Iterator[ModelEvent]:
        """Pass on a delta."""
        self.provider_event = provider_event
        self._length += len(delta)
        self._sum = _checksum(delta, self._sum)
        delta, self._half = _whole(self._half + delta)
        if delta:
            yield self._written(delta, provider_event)

    def complete(self, text: object, provider_event: str) -> Iterator[ModelEvent]:
        """Compare with the whole text that the provider gives at the end.

        Raises:
            ModelError: ``malformed``: the deltas are not a beginning of the text.
        """
        if self._tail or not isinstance(text, str) or len(text) <= self._length:
            return
        if _checksum(text[: self._length], 0) != self._sum:
            raise ModelError(f"{provider_event}: part of the text was lost", code="malformed")
        yield from self.write(text[self._length :], provider_event)

    def end(self, provider_event: str) -> Iterator[ModelEvent]:
        """End the part."""
        if self._half:
            self._half = ""
            yield self._written(_LONE, provider_event)
        yield self._ended(provider_event)

    @abstractmethod
    def _started(self, provider_event: str) -> ModelEvent | None: ...

    @abstractmethod
    def _written(self, delta: str, provider_event: str) -> ModelEvent: ...

    @abstractmethod
    def _ended(self, provider_event: str) -> ModelEvent: ...


class TextPart(WrittenPart):
    """A text that is being written."""

    def _started(self, provider_event: str) -> ModelEvent:
        return TextStart(self.id, provider_event)

    def _written(self, delta: str, provider_event: str) -> ModelEvent:
        return TextDelta(self.id, delta, provider_event)

    def _ended(self, provider_event: str) -> ModelEvent:
        return TextEnd(self.id, provider_event)


class ReasoningPart(WrittenPart):
    """A reasoning that is being written."""

    def _started(self, provider_event: str) -> ModelEvent:
        return ReasoningStart(self.id, provider_event)

    def _written(self, delta: str, provider_event: str) -> ModelEvent:
        return ReasoningDelta(self.id, delta, provider_event)

    def _ended(self, provider_event: str) -> ModelEvent:
        return ReasoningEnd(self.id, provider_event)


class RefusalPart(WrittenPart):
    """A refusal that is being written."""

    def __init__(self, id: str, tail: bool = False) -> None:
        super().__init__(id, tail)
        self._said: list[str] = []

    def _started(self, provider_event: str) -> None:
        return None

    def _written(self, delta: str, provider_event: str) -> ModelEvent:
        self._said.append(delta)
        return RefusalDelta(self.id, delta, provider_event)

    def _ended(self, provider_event: str) -> ModelEvent:
        return RefusalEnd(self.id, "".join(self._said), provider_event)


@dataclass(slots=True)
class CallPart:
    """A tool call whose arguments are being written."""

    id: str
    name: str
    arguments: list[str] = field(default_factory=list[str])
    half: str = ""

    def begin(self, provider_event: str) -> ModelEvent:
        """Announce the call."""
        return ToolCallStart(self.id, self.name, provider_event)

    def write(self, delta: str, provider_event: str) -> Iterator[ModelEvent]:
        """Pass on a piece of the arguments."""
        delta, self.half = _whole(self.half + delta)
        if delta:
            self.arguments.append(delta)
            yield ToolCallDelta(self.id, delta, provider_event)

    def end(self, provider_event: str, arguments: object = None) -> ModelEvent:
        """Make the complete call, with the provider's own arguments where it repeats them."""
        whole = arguments if isinstance(arguments, str) else ""
        whole = whole or "".join(self.arguments) + self.half
        return ToolCall(self.id, self.name, clean_text(whole), provider_event)


def _checksum(text: str, start: int) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"), start)


def _whole(text: str) -> tuple[str, str]:
    """Split off a trailing half of a surrogate pair, and make the text before it well-formed."""
    half = ""
    if text and "\ud800" <= text[-1] <= "\udbff":
        text, half = text[:-1], text[-1]
    return clean_text(text), half
