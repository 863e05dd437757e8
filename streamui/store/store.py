"""Streams by their id: those of this process, and through an engine those of others."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from streamui.errors import StreamNotFoundError
from streamui.settings import settings
from streamui.store.engine import Engine, Order
from streamui.streamable.base import finders
from streamui.streamable.log import Log


class Store:
    """Finds a stream by its id, so that any reader can start at any offset.

    Nothing is copied: it holds the very logs that the streamables write to. What has expired
    is dropped when the store is next used, so it needs no timer and no task.

    Args:
        engine: What reaches the streams of other processes; none by default, see :meth:`use`.
        clock: Seconds that only grow; for tests.
    """

    def __init__(
        self, engine: Engine | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.engine: Engine | None = None
        self._clock = clock
        self._logs: dict[str, Log] = {}
        self._readers: dict[str, set[str]] = {}
        self._ends: deque[tuple[float, str]] = deque()
        self._lock = threading.RLock()  # as in Log: the garbage collector may end a stream
        self._hearers: list[Callable[[Order], None]] = []
        if engine is not None:
            self.use(engine)

    def use(self, engine: Engine) -> None:
        """Reach the streams of other processes through an engine, from now on.

        Args:
            engine: Such as :class:`streamui.store.redis.RedisEngine`.
        """
        self.engine = engine
        engine.listen(self._hear)
        for name, log in list(self._logs.items()):
            engine.publish(name, log)

    # -- content ------------------------------------------------------------------------

    def add(self, name: str, log: Log) -> None:
        """Make a stream of this process known; harmless if it is.

        Args:
            name: The stream's id.
            log: Its content. It stays known for ``settings.retain`` seconds after its end.
        """
        if self._hold(name, log) and self.engine is not None:
            self.engine.publish(name, log)

    def find(self, name: str) -> Log | None:
        """Return a stream's content if this process has it; ``None`` otherwise.

        Args:
            name: A stream's id, from wherever it came.
        """
        self._drop_expired()
        return self._logs.get(name)

    async def open(self, name: str) -> Log:
        """Return a stream's content, wherever it is made.

        Args:
            name: A stream's id, from wherever it came.

        Raises:
            StreamNotFoundError: If it is unknown or has expired; which of them is not said.
            StoreUnavailableError: If the engine cannot say now.
        """
        log = self.find(name)
        if log is None and self.engine is not None:
            log = await self.engine.fetch(name)
            if log is not None:
                self._hold(name, log)
        if log is None:
            raise StreamNotFoundError("no stream with this id; it is unknown here or has expired")
        return log

    # -- readers ------------------------------------------------------------------------

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream; harmless twice.

        Args:
            name: The stream's id.
            reader: Who: a page's client token.
        """
        readers = self._readers.setdefault(name, set())
        if reader not in readers:
            readers.add(reader)
            if self.engine is not None:
                self.engine.grant(name, reader)

    async def granted(self, name: str, reader: str) -> bool:
        """Return whether a reader may read and stop a stream.

        Args:
            name: The stream's id, from wherever it came.
            reader: A page's client token, from wherever it came.
        """
        if reader in self._readers.get(name, ()):
            return True
        return self.engine is not None and await self.engine.granted(name, reader)

    # -- orders -------------------------------------------------------------------------

    async def tell(self, order: Order) -> None:
        """Tell every other process something.

        Args:
            order: JSON; what :meth:`listen` gives there.
        """
        if self.engine is not None:
            await self.engine.send(order)

    def listen(self, hear: Callable[[Order], None]) -> None:
        """Call a function with each order that another process sends.

        Args:
            hear: Called in the event loop's thread; orders it does not know are none of its
                business.
        """
        self._hearers.append(hear)

    def _hear(self, order: Order) -> None:
        for hear in self._hearers:
            hear(order)

    # -- what it holds ------------------------------------------------------------------

    @property
    def memory(self) -> int:
        """Bytes of content that it holds."""
        with self._lock:
            logs = list(self._logs.values())
        return sum(log.memory for log in logs)

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None

    def __len__(self) -> int:
        return len(self._logs)

    def _hold(self, name: str, log: Log) -> bool:
        self._drop_expired()
        with self._lock:
            if name in self._logs:
                return False
            self._logs[name] = log
            if log.status != "streaming":
                self._expire_later(name)
                return True

        def note_end(log: Log) -> None:
            if log.status != "streaming":
                log.unlisten(note_end)
                with self._lock:
                    self._expire_later(name)

        log.listen(note_end)
        if log.status != "streaming":  # it ended in another thread just now
            note_end(log)
        return True

    def _expire_later(self, name: str) -> None:
        self._ends.append((self._clock() + settings.retain, name))

    def _drop_expired(self) -> None:
        with self._lock:
            now = self._clock()
            while self._ends and self._ends[0][0] <= now:
                name = self._ends.popleft()[1]
                self._logs.pop(name, None)
                self._readers.pop(name, None)


store = Store()
"""The store in force."""

finders.append(store.find)
