"""Sums over many streams: counts, and how times are spread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from streamui.streamable.log import Status

BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Upper ends of the buckets, in seconds; those of OpenTelemetry's conventions for models."""

MOST_NAMES = 100
"""Functions, models and error codes that are counted apart; the others share :data:`OTHER`."""

OTHER = "other"


def bounded(known: Mapping[str, object], name: str) -> str:
    """Return the name to count under, so that there are never more than so many.

    Args:
        known: What is counted apart already.
        name: The name that it has.
    """
    return name if name in known or len(known) < MOST_NAMES else OTHER


@dataclass(slots=True)
class Spread:
    """How many times fell between which bounds.

    Attributes:
        counts: For each of :data:`BOUNDS` the times up to it and over the one before; at the
            end those over the last.
        sum: All times together, in seconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    sum: float = 0.0

    @property
    def count(self) -> int:
        """How many times there are."""
        return sum(self.counts)

    def add(self, seconds: float) -> None:
        """Add one time."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def merge(self, other: Spread) -> None:
        """Add all times of another."""
        self.counts = [
            mine + others for mine, others in zip(self.counts, other.counts, strict=True)
        ]
        self.sum += other.sum

    def copy(self) -> Spread:
        """Return one with the same times."""
        return Spread(list(self.counts), self.sum)

    def quantile(self, share: float) -> float | None:
        """Estimate the time under which a share of all times lies.

        Args:
            share: Such as 0.5 for the median.

        Returns:
            Seconds, exact to the bucket and even within it; ``None`` when there is no time.
        """
        rank = share * self.count
        below, lower = 0, 0.0
        for count, upper in zip(self.counts, (*BOUNDS, BOUNDS[-1]), strict=True):
            if count and below + count >= rank:
                return lower + (upper - lower) * max(0.0, rank - below) / count
            below, lower = below + count, upper
        return None


@dataclass(slots=True)  # frozen takes three times as long to make
class EndedStream:
    """The numbers of one stream that has ended.

    Attributes:
        function: The server function that made it; empty if none did.
        status: How it ended.
        code: The kind of failure; empty if it did not fail.
        duration: Seconds from its making to its end.
        first_chunk: Seconds from its making to its first write; ``None`` if there was none.
        chunks: How many writes changed it.
        bytes: UTF-8 bytes of what was written.
        stalls: How often nothing was written for ``settings.stall_after`` seconds.
    """

    function: str
    status: Status
    code: str
    duration: float
    first_chunk: float | None
    chunks: int
    bytes: int
    stalls: int


@dataclass(slots=True)
class StreamTotals:
    """What many streams add up to.

    Attributes:
        started: Streams that were begun.
        ends: How many of them ended, by status and by the code of the failure.
        chunks: Writes that changed one.
        bytes: UTF-8 bytes of what was written.
        stalls: How often nothing was written for ``settings.stall_after`` seconds.
        first_chunk: Seconds from making to first write.
        duration: Seconds from making to end.
    """

    started: int = 0
    ends: dict[tuple[Status, str], int] = field(default_factory=dict[tuple[Status, str], int])
    chunks: int = 0
    bytes: int = 0
    stalls: int = 0
    first_chunk: Spread = field(default_factory=Spread)
    duration: Spread = field(default_factory=Spread)

    @property
    def open(self) -> int:
        """Streams that have not ended."""
        return self.started - sum(self.ends.values())

    def add(self, ended: EndedStream) -> None:
        """Add one that has ended."""
        end = (ended.status, ended.code)
        if end not in self.ends and len(self.ends) >= MOST_NAMES:
            end = (ended.status, OTHER)
        self.ends[end] = self.ends.get(end, 0) + 1
        self.started += 1
        self.chunks += ended.chunks
        self.bytes += ended.bytes
        self.stalls += ended.stalls
        self.duration.add(ended.duration)
        if ended.first_chunk is not None:
            self.first_chunk.add(ended.first_chunk)

    def merge(self, other: StreamTotals) -> None:
        """Add all streams of another."""
        for end, count in other.ends.items():
            self.ends[end] = self.ends.get(end, 0) + count
        self.started += other.started
        self.chunks += other.chunks
        self.bytes += other.bytes
        self.stalls += other.stalls
        self.first_chunk.merge(other.first_chunk)
        self.duration.merge(other.duration)

    def copy(self) -> StreamTotals:
        """Return one with the same streams."""
        copy = StreamTotals()
        copy.merge(self)
        return copy
