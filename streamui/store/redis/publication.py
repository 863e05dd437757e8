"""One stream of this process, and how much of it Redis has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamui.settings import settings
from streamui.store.readers import Readers
from streamui.store.redis.entry import encode
from streamui.streamable.base import Streamable
from streamui.streamable.log import Log, Status


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written of a stream; the arguments of ``write.lua`` are explained there."""

    start: int
    offset: int
    status: Status
    entry: str
    whole: str
    marks: str
    size: int
    since: int

    @property
    def arguments(self) -> list[Any]:
        """What the script is given."""
        return [self.start, self.offset, self.status, self.entry, self.whole, self.marks]


class Publication:
    """A cursor in a log, as any reader is: what comes after it is not yet in Redis.

    Args:
        name: The stream's id.
        log: Its content.
        wake: Called in the writer's thread when there is something to write.
    """

    __slots__ = (
        "doubtful",
        "finished",
        "kept",
        "log",
        "name",
        "offset",
        "readers",
        "refused_since",
        "since",
        "size",
        "waiting",
        "wake",
    )

    def __init__(self, name: str, log: Log, wake: Callable[[Publication], None]) -> None:
        self.name, self.log = name, log
        self.offset = -1  # -1: Redis has not heard of it
        self.size = 0  # of the last entry that holds the whole value,
        self.since = 0  # and of all entries since
        self.waiting = False
        self.doubtful = False  # Redis may have less than it said
        self.finished = False  # Redis has its end, or it is not this process's any more
        self.kept = 0.0  # when Redis was last told to keep it alive
        self.refused_since: float | None = None
        self.readers = Readers()  # whom this process let read it
        self.wake: Callable[[Log], None] = lambda _: wake(self)

    def draft(self, meet: Callable[[Streamable[Any]], None]) -> Draft | None:
        """Return what is to be written; ``None`` if that is nothing.

        Args:
            meet: Called with each other stream that is inside.
        """
        change = self.log.read(self.offset)
        if change.offset == self.offset and not self.doubtful:
            return None
        marks = "k" if self.doubtful else ""
        entry = whole = ""
        size, since = self.size, self.since
        if change.kind != "nothing" or change.status != "streaming":
            if change.offset != self.offset:
                entry = encode(change, meet)
                since += len(entry)
        if change.kind == "snapshot":
            marks, size, since = f"r{marks}", len(entry), 0
        elif since > max(settings.store_log, 2 * size):
            # By then what came since has cost twice as much: all of it together stays linear.
            value = self.log.read(-1)
            if value.offset == change.offset:  # no other thread has written in between
                whole = encode(value, meet)
                size, since = len(whole), 0
        return Draft(change.start, change.offset, change.status, entry, whole, marks, size, since)

    def written(self, draft: Draft) -> None:
        """Take note that Redis has taken a draft."""
        self.offset, self.size, self.since = draft.offset, draft.size, draft.since
        self.refused_since = None
