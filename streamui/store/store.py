"""Streams by their id: those of this process, and through an engine those of others."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from streamui.errors import StreamNotFoundError
from streamui.redaction import redacted_traceback
from streamui.settings import settings
from streamui.store.engine import Engine, Order
from streamui.store.readers import Readers
from streamui.streamable import base
from streamui.streamable.log import Log
from streamui.streamable.mirror import Mirror

logger = logging.getLogger("streamui")


class Store:
    """Finds a stream by its id, so that any reader can start at any offset.

    Nothing is copied: it holds the very logs that the streamables of this process write to. What
    has expired is dropped when the store is next used, so it needs no timer and no task.

    Args:
        engine: What reaches the streams of other processes; none by default, see :meth:`use`.
        locate: Gives the address of an engine when the store is first used in an event loop;
            ``None`` is none.
        clock: Seconds that only grow; for tests.
    """

    def __init__(
        self,
        engine: Engine | None = None,
        *,
        locate: Callable[[], str | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine: Engine | None = None
        self._locate = locate
        self._clock = clock
        self._logs: dict[str, Log] = {}
        self._readers: dict[str, Readers] = {}
        self._ends: deque[tuple[float, str, int]] = deque()  # when, which, and their bytes
        self._ended_bytes = 0
        self._foreign: deque[tuple[float, str]] = deque()  # first grants, of what others make
        self._lock = threading.RLock()  # as in Log: the garbage collector may end a stream
        self._hearers: list[Callable[[Order], None]] = []
        if engine is not None:
            self.use(engine)

    @property
    def engine(self) -> Engine | None:
        """What reaches the streams of other processes; ``None`` if there are none."""
        # Not before there is a loop: an app is imported by a process that forks its workers,
        # and each of those is an owner of its own.
        if self._locate is not None and _in_loop():
            locate, self._locate = self._locate, None
            url = locate()
            if url:
                self.connect(url)
        return self._engine

    def connect(self, url: str) -> None:
        """Reach the streams of other processes through Redis, from now on.

        Args:
            url: See :class:`streamui.store.redis.server.Server`.
        """
        from streamui.store.redis.engine import RedisEngine  # Redis only where it is used

        self.use(RedisEngine(url))

    def use(self, engine: Engine | None) -> None:
        """Reach the streams of other processes through an engine, from now on.

        Args:
            engine: Such as :class:`streamui.store.redis.engine.RedisEngine`; ``None`` for
                this process alone. The one before is not closed.
        """
        self._locate = None
        self._engine = engine
        if engine is None:
            return
        engine.listen(self._hear)
        for name, log in list(self._logs.items()):
            engine.publish(name, log)
        for name, readers in list(self._readers.items()):
            for reader in readers:
                engine.grant(name, reader)

    def start(self) -> None:
        """Begin to hear the other processes, in the running event loop; harmless twice.

        Whatever is asked of the store begins it, too.
        """
        if self.engine is not None:
            self.engine.start()

    async def close(self) -> None:
        """Write what others are to have, and let go of the engine; harmless without one.

        Streams that are still open end as interrupted for other processes: nobody makes them
        any more. The store is used again as if it were new.
        """
        if self._engine is not None:
            await self._engine.close()

    # -- content ------------------------------------------------------------------------

    def add(self, name: str, log: Log) -> None:
        """Make a stream of this process known; harmless if it is, or if another makes it.

        Args:
            name: The stream's id.
            log: Its content. It stays known for ``settings.retain`` seconds after its end, or
                until ``settings.retain_bytes`` are held of later ones.
        """
        if isinstance(log, Mirror):
            return  # whoever reads it holds it
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
        if log is None:
            raise StreamNotFoundError("no stream with this id; it is unknown here or has expired")
        return log

    def mirror(self, name: str) -> Log | None:
        """Return the content of a stream that may be made elsewhere, at once.

        Args:
            name: A stream's id.

        Returns:
            Its content, or a log that fills soon; ``None`` where no other process is known.
        """
        log = self.find(name)
        return self.engine.mirror(name) if log is None and self.engine is not None else log

    # -- readers ------------------------------------------------------------------------

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream; harmless twice, see :class:`Readers`.

        Args:
            name: The stream's id.
            reader: Who: a page's client token.
        """
        with self._lock:
            readers = self._readers.get(name)
            if readers is None:
                readers = self._readers[name] = Readers()
                if name not in self._logs:  # another process has it, and knows when it ends
                    self._drop_expired()
                    self._foreign.append((self._clock(), name))
            if not readers.add(reader):
                return
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

    def tell_soon(self, order: Order) -> None:
        """Tell every other process something, without waiting until that is done.

        Args:
            order: As for :meth:`tell`.
        """
        if self.engine is not None:
            self.engine.send_soon(order)

    def listen(self, hear: Callable[[Order], None]) -> None:
        """Call a function with each order that another process sends.

        Args:
            hear: Called in the event loop's thread; orders it does not know are none of its
                business.
        """
        self._hearers.append(hear)

    def _hear(self, order: Order) -> None:
        for hear in self._hearers:
            try:
                hear(order)
            except Exception as cause:  # the others must hear it, and the next one
                logger.error("An order failed: %s", redacted_traceback(cause))

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
                self._expire_later(name, log)
                return True

        def note_end(log: Log) -> None:
            if log.status != "streaming":
                log.unlisten(note_end)
                with self._lock:
                    self._expire_later(name, log)

        log.listen(note_end)
        if log.status != "streaming":  # it ended in another thread just now
            note_end(log)
        return True

    def _expire_later(self, name: str, log: Log) -> None:
        size = log.memory
        self._ended_bytes += size
        self._ends.append((self._clock(), name, size))

    def _too_much(self) -> bool:
        return 0 < settings.retain_bytes < self._ended_bytes and len(self._ends) > 1

    def _drop_expired(self) -> None:
        with self._lock:
            past = self._clock() - settings.retain  # as it is now; it may have been changed
            while self._ends and (self._ends[0][0] <= past or self._too_much()):
                _, name, size = self._ends.popleft()
                self._ended_bytes -= size
                self._logs.pop(name, None)
                self._readers.pop(name, None)
            while self._foreign and self._foreign[0][0] <= past:
                name = self._foreign.popleft()[1]
                if name not in self._logs:
                    self._readers.pop(name, None)


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _address() -> str | None:
    """Return the address of the Redis that the app's processes share, if there is one."""
    if url := os.environ.get("STREAMUI_REDIS_URL"):
        return url
    named = [url for find in addresses if (url := find())]
    return named[0] if named else os.environ.get("REFLEX_REDIS_URL")


addresses: list[Callable[[], str | None]] = []
"""Who else may know the address of Redis, such as Reflex's configuration."""

store = Store(locate=_address)
"""The store in force."""


def _publish(name: str, log: Log) -> None:
    if store.engine is not None:
        store.add(name, log)


base.finders.append(store.find)
base.openers.append(store.open)
base.mirrors.append(store.mirror)
base.leaving.append(_publish)
base.stoppers.append(lambda name: store.tell_soon({"stop_stream": name}))
