"""What a server remembers between requests: so many things, of so many bytes, for so long."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

KEPT_FOR = 3600.0
"""Seconds for which anything is remembered that nobody asks for."""

BYTES = 32_000_000
"""What all things of one kind may have together."""

T = TypeVar("T")


class UnknownError(LookupError):
    """Something that is not, or no longer, in memory."""


@dataclass(slots=True)
class _Kept(Generic[T]):
    value: T
    size: int
    used: float


class Shelf(Generic[T]):
    """Things by their ids; the ones that were used longest ago are dropped first.

    Args:
        name: Of one of them, for the error.
        most: How many to keep.
        dropped: Called with each that is dropped for want of room or time.
        clock: In seconds; for tests.
    """

    def __init__(
        self,
        name: str,
        most: int,
        dropped: Callable[[T], object] = lambda value: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._most = most
        self._dropped = dropped
        self._clock = clock
        self._kept: OrderedDict[str, _Kept[T]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, id: str, value: T, size: int = 0) -> T:
        """Keep something, in place of what had its id.

        Args:
            id: Its name.
            value: What to keep.
            size: Its bytes, about.

        Returns:
            The value.
        """
        before = self._kept.pop(id, None)
        self._size += size - (before.size if before else 0)
        self._kept[id] = _Kept(value, size, self._clock())
        while len(self._kept) > 1 and (len(self._kept) > self._most or self._size > BYTES):
            self._drop()
        self._expire()
        return value

    def get(self, id: str) -> T:
        """Get something, and count that as a use.

        Raises:
            UnknownError: There is none with this id.
        """
        self._expire()
        kept = self._kept.get(id)
        if kept is None:
            raise UnknownError(f"{self._name} with id '{id}' not found.")
        kept.used = self._clock()
        self._kept.move_to_end(id)
        return kept.value

    def find(self, id: str) -> T | None:
        """Get something, or ``None``."""
        return self.get(id) if id in self._kept else None

    def grow(self, id: str, size: int) -> None:
        """Count more bytes for something, if it is still here."""
        if id in self._kept:
            kept = self._kept[id]
            self.put(id, kept.value, kept.size + size)

    def pop(self, id: str) -> T:
        """Forget something.

        Raises:
            UnknownError: There is none with this id.
        """
        value = self.get(id)
        self._size -= self._kept.pop(id).size
        return value

    def _expire(self) -> None:
        oldest = self._clock() - KEPT_FOR
        while self._kept and next(iter(self._kept.values())).used < oldest:
            self._drop()

    def _drop(self) -> None:
        _, kept = self._kept.popitem(last=False)
        self._size -= kept.size
        self._dropped(kept.value)
