"""Who was let read a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class Readers:
    """Who was let read one stream: the last ones, so that it costs no more the longer it lives.

    A page that has it in its state, and is one of those that are forgotten, is let in again when it
    next connects.

    Attributes:
        most: How many are known.
    """

    most: ClassVar[int] = 10_000
    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, None] = {}  # who was let in again last is last

    def add(self, reader: str) -> bool:
        """Let somebody in; return whether that is new."""
        new = reader not in self._known
        self._known.pop(reader, None)
        self._known[reader] = None
        if len(self._known) > self.most:
            del self._known[next(iter(self._known))]
        return new

    def __contains__(self, reader: str) -> bool:
        return reader in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._known))

    def __len__(self) -> int:
        return len(self._known)
