"""What is counted of the streams that this process makes: exact, and next to free.

A log counts its writes itself. The rest is looked at when somebody asks, and once more when the
stream ends: then its numbers are added to the totals, and nothing of its own is kept.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamui.streamable.totals import EndedStream, StreamTotals, bounded

if TYPE_CHECKING:
    from streamui.streamable.base import Streamable
    from streamui.streamable.log import Log

logger = logging.getLogger("streamui")
_numbers = itertools.count(1)
_open: dict[int, OpenStream] = {}
_totals: dict[str, StreamTotals] = {}
_lock = threading.RLock()  # as in Log: the garbage collector may end a stream
_untold: deque[EndedStream] = deque()

on_end: list[Callable[[EndedStream], None]] = []
"""Called with each stream that has ended, soon after; never by the garbage collector."""


class Meter:
    """When one stream began and was first written to, and whose it is.

    Args:
        streamable: The stream.
        log: Its content.
    """

    __slots__ = ("begun", "first_write", "function", "known", "made_at", "number", "streamable")

    def __init__(self, streamable: Streamable[Any], log: Log) -> None:
        self.number = next(_numbers)
        self.begun = log.last_write
        self.first_write: float | None = None
        self.function: str = getattr(streamable.scope, "label", "")
        self.made_at = streamable.made_at
        self.known = False  # somebody has its id
        self.streamable = weakref.ref(streamable)
        _open[self.number] = OpenStream(self, log)

    def counts(self, log: Log) -> bool:
        """Return whether it is a stream so far, and no mere constant in the making."""
        return self.known or log.writes > 0

    def first_chunk(self) -> float | None:
        """Seconds from its making to its first write; ``None`` before that."""
        return None if self.first_write is None else self.first_write - self.begun

    def end(self, log: Log) -> None:
        """Add its numbers to the totals; called once, by its log."""
        if log.status == "done" and not self.counts(log):
            _open.pop(self.number, None)
            return
        now = time.monotonic()
        ended = EndedStream(
            self.function,
            log.status,
            log.failure.code if log.failure is not None else "",
            now - self.begun,
            self.first_chunk(),
            log.writes,
            log.count_bytes(),
            log.stalls + log.stalled(now),
        )
        with _lock:
            _open.pop(self.number, None)
            _totals_of(self.function).add(ended)
        if on_end:
            _untold.append(ended)


def tell_ends() -> None:
    """Tell who wants to know which streams have ended since the last call.

    Not where they end: that may be the garbage collector, in the middle of anything, and a
    listener may take a lock.
    """
    while _untold:
        try:
            ended = _untold.popleft()
        except IndexError:  # another thread was faster
            return
        for hear in on_end:
            try:
                hear(ended)
            except Exception:  # whoever measures must not break what is measured
                logger.warning("what listens to ends of streams failed", exc_info=True)


@dataclass(slots=True)
class OpenStream:
    """A stream that is open, with its content; a log is not for everybody."""

    meter: Meter
    log: Log

    @property
    def waiting(self) -> bool:
        """Whether the run that owns it waits for its turn."""
        streamable = self.meter.streamable()
        scope = streamable.scope if streamable is not None else None
        return getattr(scope, "status", "") == "waiting"

    def stalled(self, now: float) -> bool:
        """Return whether nothing was written for too long, by a run that has its turn.

        Args:
            now: Seconds of ``time.monotonic``.
        """
        return self.log.stalled(now) and not self.waiting


def open_streams() -> list[OpenStream]:
    """Return the streams of this process that are open, oldest first."""
    return [stream for stream in list(_open.values()) if _counts(stream)]


def stalled_streams() -> int:
    """Return how many open streams had no write for ``settings.stall_after`` seconds."""
    now = time.monotonic()
    return sum(stream.stalled(now) for stream in open_streams())


def stream_totals() -> dict[str, StreamTotals]:
    """Return what the streams of each function add up to, open ones included.

    Streams that no function made are under ``""``.
    """
    with _lock:
        result = {function: totals.copy() for function, totals in _totals.items()}
        under_way = list(_open.values())
    now = time.monotonic()
    for stream in filter(_counts, under_way):
        name = bounded(result, stream.meter.function)
        totals = result.setdefault(name, StreamTotals())
        totals.started += 1
        totals.chunks += stream.log.writes
        totals.bytes += stream.log.count_bytes()
        totals.stalls += stream.log.stalls + stream.log.stalled(now)
        if (first := stream.meter.first_chunk()) is not None:
            totals.first_chunk.add(first)
    return result


def find_open(number: int) -> Streamable[Any] | None:
    """Return the streamable with a number, if it is open.

    Args:
        number: As in :class:`Meter`; it counts this process's streamables, and lets nobody read.
    """
    stream = _open.get(number)
    return stream.meter.streamable() if stream is not None else None


def _counts(stream: OpenStream) -> bool:
    return stream.meter.counts(stream.log)


def _totals_of(function: str) -> StreamTotals:
    name = bounded(_totals, function)
    totals = _totals.get(name)
    if totals is None:
        totals = _totals[name] = StreamTotals()
    return totals
