"""Pieces of text that carry the time at which they were written."""

import asyncio
import random
import time
from collections.abc import Callable
from itertools import pairwise

LENGTH = 18


def piece() -> str:
    """Return a piece of `LENGTH` characters, for now."""
    return f"{time.monotonic():017.6f} "


def clock_piece() -> str:
    """Return the same, by the clock on the wall: for a reader that is no Python."""
    return f"{time.time():017.6f} "


class Delays:
    """From the append to the reader, for all pieces of all streams."""

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self.disorder = 0
        """Pieces that were not after the one before them."""

    def hear(self, text: str, begin: int = 0, now: float | None = None) -> None:
        """Take note that the pieces of a text from a position on have arrived, by default now."""
        now = time.monotonic() if now is None else now
        times = [float(text[at : at + LENGTH]) for at in range(begin, len(text), LENGTH)]
        self._seconds += [now - written for written in times]
        self.disorder += sum(later < earlier for earlier, later in pairwise(times))

    def __len__(self) -> int:
        return len(self._seconds)

    def newest(self, count: int) -> "Delays":
        """Return the delays of the last pieces only."""
        newest = Delays()
        newest._seconds = self._seconds[-count:]
        return newest

    def percentile(self, share: float) -> float:
        """Return the delay that a share of the pieces did not exceed, in milliseconds."""
        ordered = sorted(self._seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def write_at(rate: float, count: int, begin: float, write: Callable[[str], object]) -> None:
    """Write pieces on an absolute schedule, so that a late one does not delay those after it.

    Args:
        rate: Pieces per second.
        count: How many.
        begin: When the streams begin, by `time.monotonic`; each at a moment of its own after it.
        write: Takes a piece.
    """
    begin += random.random() / rate
    for number in range(count):
        await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
        write(piece())
