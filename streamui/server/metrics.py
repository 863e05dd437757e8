"""What is counted of runs, and of what goes to pages; streams and calls to models count themselves.

See :mod:`streamui.streamable.meter` and :mod:`streamui.models.calls` for those, and
:mod:`streamui.server.stats` for all of it at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from streamui.streamable.failure import Failure
from streamui.streamable.log import Status
from streamui.streamable.totals import MOST_NAMES, OTHER, Spread, bounded

T = TypeVar("T")
logger = logging.getLogger("streamui")


class Observed(Protocol):
    """A run, as far as it is counted.

    Attributes:
        label: The server function.
        status: ``running``, ``waiting``, or how it ended.
        failure: Why it failed, if it did.
    """

    label: str
    status: Status | Literal["running", "waiting"]
    failure: Failure | None


@dataclass(slots=True)
class RunTotals:
    """What the runs of one function add up to.

    Attributes:
        running: Runs that are under way, and
        waiting: those of them that wait for their turn.
        ends: Runs that ended, by status and by the code of the failure.
        duration: Seconds that those took.
    """

    running: int = 0
    waiting: int = 0
    ends: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    duration: Spread = field(default_factory=Spread)

    @property
    def started(self) -> int:
        """Runs that were begun."""
        return self.running + self.waiting + sum(self.ends.values())

    def end(self, status: str, code: str, seconds: float) -> None:
        """Add one that has ended."""
        end = (status, code)
        if end not in self.ends and len(self.ends) >= MOST_NAMES:
            end = (status, OTHER)
        self.ends[end] = self.ends.get(end, 0) + 1
        self.duration.add(seconds)

    def merge(self, other: RunTotals) -> None:
        """Add all runs of another."""
        self.running += other.running
        self.waiting += other.waiting
        for end, count in other.ends.items():
            self.ends[end] = self.ends.get(end, 0) + count
        self.duration.merge(other.duration)


@dataclass(slots=True)
class PageCounts:
    """What goes to pages; written in the event loop's thread only.

    Attributes:
        frames: Frames that were sent.
        bytes: UTF-8 bytes of their JSON, without what the socket puts around it.
        connected: Says how many pages are connected to this process.
    """

    frames: int = 0
    bytes: int = 0
    connected: Callable[[], int] = lambda: 0


pages = PageCounts()
"""What went to the pages of this process."""

on_begin: list[Callable[[Observed], Callable[[float], None]]] = []
"""Called with each run that begins; what that gives is called with the seconds that it took."""

_lock = threading.Lock()
_open: dict[int, Observed] = {}
_totals: dict[str, RunTotals] = {}


@contextmanager
def observed(run: Observed) -> Generator[None]:
    """Count a run while it is driven in here."""
    begun = time.monotonic()
    with _lock:
        _open[id(run)] = run
    tell = [told for hear in on_begin if (told := _safely(hear, run)) is not None]
    try:
        yield
    finally:
        seconds = time.monotonic() - begun
        status = status_of(run)
        code = run.failure.code if run.failure is not None else ""
        with _lock:
            del _open[id(run)]
            name = bounded(_totals, run.label)
            _totals.setdefault(name, RunTotals()).end(status, code, seconds)
        for each in reversed(tell):
            _safely(each, seconds)


def _safely(tell: Callable[[Any], T], about: object) -> T | None:
    """Tell whoever measures; it must not break what is measured."""
    try:
        return tell(about)
    except Exception:
        logger.warning("what listens to runs failed", exc_info=True)
        return None


def status_of(run: Observed) -> str:
    """Return how a run ended that is no longer driven."""
    # One that the end of the process broke off had no time to say so.
    return "interrupted" if run.status in ("running", "waiting") else run.status


def run_totals() -> dict[str, RunTotals]:
    """Return what the runs of each function add up to, those under way included."""
    result: dict[str, RunTotals] = {}
    with _lock:
        for function, totals in _totals.items():
            result[function] = RunTotals()
            result[function].merge(totals)
        under_way = list(_open.values())
    for run in under_way:
        totals = result.setdefault(bounded(result, run.label), RunTotals())
        if run.status == "waiting":
            totals.waiting += 1
        else:
            totals.running += 1
    return result
