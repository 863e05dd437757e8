"""Following many Redis Streams of one slot through one blocked connection."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from streamui.redaction import redacted_traceback
from streamui.settings import settings
from streamui.store.redis.nodes import backoff
from streamui.store.redis.server import GONE, Entry, Server
from streamui.store.redis.tasks import Tasks

logger = logging.getLogger("streamui")
_PER_KEY = 5e-6  # seconds that it takes to ask for one more stream
Hear = Callable[[list[Entry]], None]


class Followed:
    """One Redis Stream that is followed, and the last entry of it that is known."""

    __slots__ = ("cursor", "hear")

    def __init__(self, hear: Hear, cursor: bytes) -> None:
        self.hear, self.cursor = hear, cursor


class Tail:
    """Hands on what is added to Redis Streams, each entry once and in order.

    Args:
        server: Where they are.
        tasks: The engine's tasks.
        name: What its tasks are called.
        wake: The key of a Redis Stream of this process alone; an entry there ends the wait, so
            that a stream that is followed from now on need not wait for it to end by itself.
            None if nothing is ever added.
    """

    def __init__(self, server: Server, tasks: Tasks, name: str, wake: str = "") -> None:
        self._server, self._tasks, self._name, self._wake = server, tasks, name, wake
        self._streams: dict[str, Followed] = {}
        self._wake_cursor = b"0-0"
        self._blocked: frozenset[str] | None = None  # the keys that it waits for now

    def follow(self, key: str, hear: Hear, cursor: bytes) -> None:
        """Call a function with what is added to a stream from now on.

        Args:
            key: The stream.
            hear: Called with at least one entry.
            cursor: The id of the last entry that is known.
        """
        self._streams[key] = Followed(hear, cursor)
        self._tasks.once(f"tail-{self._name}", self._run)
        if self._blocked is not None and key not in self._blocked:
            self._tasks.once(f"wake-{self._name}", self._end_wait)

    def leave(self, key: str) -> None:
        """Follow a stream no longer."""
        self._streams.pop(key, None)

    def follows(self, key: str) -> bool:
        """Return whether a stream is followed."""
        return key in self._streams

    async def _end_wait(self) -> None:
        try:
            await self._server.do("XADD", self._wake, "MAXLEN", "1", "*", "wake", "1")
            await self._server.do("PEXPIRE", self._wake, 60_000)
        except GONE:
            pass  # then the wait has ended, too

    async def _run(self) -> None:
        waiting, failures = backoff(), 0
        while self._streams:
            cursors = {key: each.cursor for key, each in self._streams.items()}
            if self._wake:
                cursors[self._wake] = self._wake_cursor

            def note(keys: frozenset[str] = frozenset(cursors)) -> None:
                self._blocked = keys

            try:
                replies = await self._server.read(cursors, note)
                failures = 0
            except GONE:
                failures += 1
                await asyncio.sleep(waiting.compute(failures))
                continue
            finally:
                self._blocked = None
            begun = time.thread_time()
            for key, entries in replies:
                self._hand_on(key, entries)
            if replies:
                # So that many small writes come in one reply; a busy process reads less often.
                spent = time.thread_time() - begun + len(cursors) * _PER_KEY
                await asyncio.sleep(max(settings.frame_interval / 4, 2 * spent))

    def _hand_on(self, key: str, entries: list[Entry]) -> None:
        if key == self._wake:
            self._wake_cursor = entries[-1][0]
        elif (followed := self._streams.get(key)) is not None:
            followed.cursor = entries[-1][0]
            try:
                followed.hear(entries)
            except Exception as cause:  # the others must be heard
                logger.error("What Redis said could not be used: %s", redacted_traceback(cause))
