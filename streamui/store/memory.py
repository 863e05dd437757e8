"""Streams of this process, kept in its memory."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from streamui.errors import StreamNotFoundError
from streamui.settings import settings
from streamui.streamable.base import finders
from streamui.streamable.log import Log


class MemoryStore:
    """The default store: streams live as long as they are made, and a while after.

    Nothing is copied: it holds the very logs that the streamables write to. What has expired
    is dropped when the store is next used, so it needs no timer and no task.

    Args:
        clock: Seconds that only grow; for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logs: dict[str, Log] = {}
        self._ends: deque[tuple[float, str]] = deque()
        self._lock = threading.RLock()  # as in Log: the garbage collector may end a stream

    def add(self, name: str, log: Log) -> None:
        """Make a stream known; see :meth:`Store.add`."""
        self._drop_expired()
        with self._lock:
            if name in self._logs:
                return
            self._logs[name] = log
            if log.status != "streaming":
                self._expire_later(name)
                return

        def note_end(log: Log) -> None:
            if log.status != "streaming":
                log.unlisten(note_end)
                with self._lock:
                    self._expire_later(name)

        log.listen(note_end)
        if log.status != "streaming":  # it ended in another thread just now
            note_end(log)

    def find(self, name: str) -> Log | None:
        """Return a stream's content, or ``None`` where :meth:`get` raises."""
        self._drop_expired()
        return self._logs.get(name)

    def get(self, name: str) -> Log:
        """Return a stream's content; see :meth:`Store.get`."""
        if (log := self.find(name)) is None:
            raise StreamNotFoundError("no stream with this id; it is unknown here or has expired")
        return log

    @property
    def memory(self) -> int:
        """Bytes of content that it holds."""
        with self._lock:
            logs = list(self._logs.values())
        return sum(log.memory for log in logs)

    def __contains__(self, name: str) -> bool:
        self._drop_expired()
        return name in self._logs

    def __len__(self) -> int:
        return len(self._logs)

    def _expire_later(self, name: str) -> None:
        self._ends.append((self._clock() + settings.retain, name))

    def _drop_expired(self) -> None:
        with self._lock:
            now = self._clock()
            while self._ends and self._ends[0][0] <= now:
                self._logs.pop(self._ends.popleft()[1], None)


store = MemoryStore()
"""The store in force."""

finders.append(store.find)
