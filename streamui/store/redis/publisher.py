"""Writing the streams of this process into Redis, at frame pace.

A publication is a cursor in its log, as any reader is. While Redis cannot be used, what is
written merges in the log, which costs nothing; when it is back, the cursor goes on from where
Redis says it is, or from the beginning if Redis has lost the stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from streamui.errors import StoreUnavailableError
from streamui.redaction import redact
from streamui.settings import settings
from streamui.store.redis.entry import encode, end_entry
from streamui.store.redis.keys import lane_of, lease_key, stream_keys
from streamui.store.redis.server import GONE, Server, backoff
from streamui.store.redis.tasks import Tasks
from streamui.streamable.base import Streamable
from streamui.streamable.failure import INTERRUPTED, Failure
from streamui.streamable.log import Log, Status
from streamui.streamable.mirror import Mirror

logger = logging.getLogger("streamui")
_BATCH = 100  # streams in one call of a script: no other client of Redis waits long
_BATCH_SIZE = 262_144
_HINDERED = 0.25  # seconds until what Redis refused is tried again


class Publication:
    """One stream of this process, and how much of it Redis has."""

    __slots__ = (
        "doubtful",
        "finished",
        "full_since",
        "kept",
        "log",
        "name",
        "offset",
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
        self.finished = False  # Redis has its end
        self.kept = 0.0  # when Redis was last told to keep it alive
        self.full_since: float | None = None
        self.wake: Callable[[Log], None] = lambda _: wake(self)


class Outbox:
    """The publications whose keys live together, and what of them waits to be written.

    Args:
        server: Where to.
        tasks: The engine's tasks.
        owner: Who this process is.
        group: Which of the server's groups it is.
        meet: Called with each stream that is inside another.
    """

    def __init__(
        self,
        server: Server,
        tasks: Tasks,
        owner: str,
        group: str,
        meet: Callable[[Streamable[Any]], None],
    ) -> None:
        self._server, self._tasks, self._owner, self._group = server, tasks, owner, group
        self._meet = meet
        self._publications: dict[str, Publication] = {}
        self._ended: deque[tuple[float, Publication]] = deque()
        self._waiting: dict[Publication, None] = {}
        self._grants: dict[tuple[str, str], None] = {}
        self._next = 0.0  # the earliest time to write again
        self._hindered = False
        self.live = 0

    # -- what there is to do ------------------------------------------------------------

    def publish(self, name: str, log: Log) -> bool:
        """Take charge of a stream; return whether it is a new one."""
        if name in self._publications:
            return False
        publication = self._publications[name] = Publication(name, log, self._wake)
        self.live += 1
        log.listen(publication.wake)
        self._wake(publication)
        return True

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream."""
        self._grants[name, reader] = None
        self._start()

    def find(self, name: str) -> Log | None:
        """Return the content of a stream that is published here."""
        publication = self._publications.get(name)
        return publication.log if publication is not None else None

    def doubt(self) -> None:
        """Make sure that Redis has all of every stream: it may have lost some."""
        self._forget()
        for publication in list(self._publications.values()):
            publication.doubtful = True
            self._wake_here(publication)

    def keep_alive(self) -> None:
        """Have Redis keep the live streams for longer, where that is due."""
        self._forget()
        due = asyncio.get_running_loop().time() - _kept() / 4
        for publication in list(self._publications.values()):
            if not publication.finished and publication.kept <= due:
                publication.doubtful = True
                self._wake_here(publication)

    def _forget(self) -> None:
        """Let go of the streams that Redis has let go of."""
        now = asyncio.get_running_loop().time()
        while self._ended and self._ended[0][0] <= now:
            self._drop(self._ended.popleft()[1])

    def _wake(self, publication: Publication) -> None:
        if not publication.waiting:
            publication.waiting = True
            self._tasks.soon(lambda: self._wake_here(publication))

    def _wake_here(self, publication: Publication) -> None:
        publication.waiting = True
        self._waiting[publication] = None
        self._start()

    def _start(self) -> None:
        if self._waiting or self._grants:
            self._tasks.once(f"publish-{self._group}", self._run)

    # -- doing it -----------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        waiting, failures = backoff(), 0
        while self._waiting or self._grants:
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            begun = loop.time()
            try:
                await self.flush()
            except GONE as error:
                if not failures:
                    logger.warning("Redis cannot be written to: %s", redact(str(error)))
                failures += 1
                self._next = loop.time() + waiting.compute(failures)
                continue
            if failures:
                failures = 0
                logger.warning("Redis can be written to again")
                self.doubt()
            spent = loop.time() - begun
            pace = _HINDERED if self._hindered else settings.frame_interval / 2
            self._next = begun + max(pace, 2 * spent)
            self._hindered = False

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            RedisError: Or another of ``GONE``; what could not be written waits again.
        """
        pending, self._waiting = self._waiting, {}
        publications = list(pending)
        done = 0
        try:
            while done < len(publications):
                done += await self._write(publications[done:])
            await self._write_grants()
        except BaseException:
            for publication in publications[done:]:
                self._waiting.setdefault(publication)
            raise

    async def _write(self, publications: list[Publication]) -> int:
        loop = asyncio.get_running_loop()
        keys: list[str] = []
        arguments: list[Any] = [self._owner, int(_kept() * 1000), int(settings.retain * 1000) or 1]
        sent: list[tuple[Publication, int, Status, int, int]] = []
        taken = size = 0
        for publication in publications[:_BATCH]:
            if size > _BATCH_SIZE:
                break
            taken += 1
            publication.waiting = False
            change = publication.log.read(publication.offset)
            new = change.offset != publication.offset
            if not new and not publication.doubtful:
                continue
            entry = whole = marks = ""
            since, full = publication.since, publication.size
            if new and (change.kind != "nothing" or change.status != "streaming"):
                entry = encode(change, self._meet)
                since += len(entry)
                if change.kind == "snapshot":
                    marks, since, full = "r", 0, len(entry)
                elif since > max(settings.store_log, 2 * full):
                    value = publication.log.read(-1)
                    if value.offset == change.offset:  # no other thread has written since
                        whole = encode(value, self._meet)
                        since, full = 0, len(whole)
            if publication.doubtful:
                marks += "k"
                publication.kept = loop.time()
            keys += stream_keys(publication.name)
            arguments += [publication.offset, change.offset, change.status, entry, whole, marks]
            sent.append((publication, change.offset, change.status, since, full))
            size += len(entry) + len(whole)
        if sent:
            answers = await self._server.run("write", keys, arguments)
            for number, (publication, offset, status, since, full) in enumerate(sent):
                answer, top = cast("list[bytes]", answers[2 * number : 2 * number + 2])
                publication.doubtful = False
                if answer == b"ok":
                    publication.offset, publication.since, publication.size = offset, since, full
                    publication.full_since = None
                    if not publication.kept:
                        publication.kept = loop.time()
                    if status != "streaming":
                        self._finish(publication)
                else:
                    await self._hear(publication, answer.decode(), int(top))
        return taken

    async def _hear(self, publication: Publication, answer: str, top: int) -> None:
        """Deal with a stream that was not written as it should have been."""
        log = publication.log
        if answer == "at":
            publication.offset = top
            self._wake_here(publication)
        elif answer == log.status and top == log.offset:
            self._finish(publication)  # it was written before, and the answer was lost
        elif answer in ("taken", "done", "error", "cancelled", "interrupted"):
            logger.warning("A stream is not this process's any more: it is %s", answer)
            self._drop(publication)
            log.end("interrupted")
        elif answer.startswith("OOM"):
            await self._hear_full(publication)
        else:
            logger.error("A stream could not be written to Redis: %s", redact(answer))
            publication.doubtful = self._hindered = True
            self._wake_here(publication)

    async def _hear_full(self, publication: Publication) -> None:
        now = asyncio.get_running_loop().time()
        if publication.full_since is None:
            publication.full_since = now
            logger.error("Redis is full")
        if now - publication.full_since < settings.store_patience:
            self._hindered = True
            self._wake_here(publication)
            return
        cause = StoreUnavailableError("Redis is full")
        failure = Failure.of(cause)
        await self._end([publication], "error", failure)
        self._drop(publication)
        publication.log.end("error", failure, cause)

    def _finish(self, publication: Publication) -> None:
        publication.offset = publication.log.offset
        if not publication.finished:
            publication.finished = True
            publication.log.unlisten(publication.wake)
            self.live -= 1
            until = asyncio.get_running_loop().time() + settings.retain
            self._ended.append((until, publication))

    def _drop(self, publication: Publication) -> None:
        if self._publications.pop(publication.name, None) is not None and not publication.finished:
            publication.finished = True
            publication.log.unlisten(publication.wake)
            self.live -= 1

    async def _end(self, publications: list[Publication], status: Status, failure: Failure) -> None:
        entry = end_entry(status, failure)
        for begin in range(0, len(publications), _BATCH):
            batch = publications[begin : begin + _BATCH]
            keys = [key for each in batch for key in stream_keys(each.name)]
            arguments = [entry, status, int(settings.retain * 1000) or 1]
            await self._server.run("end", keys, arguments + [self._owner] * len(batch))

    async def _write_grants(self) -> None:
        while self._grants:
            batch = list(self._grants)[:_BATCH]
            keys = [key for name, _ in batch for key in stream_keys(name)[::2]]
            await self._server.run(
                "grant", keys, [int(_kept() * 1000), *(reader for _, reader in batch)]
            )
            for each in batch:
                self._grants.pop(each, None)

    async def close(self) -> None:
        """Write what waits, and end for everybody else what is still open: nobody makes it now.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        await self.flush()
        live = [each for each in self._publications.values() if not each.finished]
        await self._end([each for each in live if each.offset >= 0], "interrupted", INTERRUPTED)
        for publication in list(self._publications.values()):
            self._drop(publication)


def _kept() -> float:
    """Seconds that Redis keeps a live stream when it hears nothing more of it."""
    return max(settings.retain, 60.0) + 60.0


class Publisher:
    """Writes the streams of this process into Redis, and keeps the lease on them.

    Args:
        server: Where to.
        tasks: The engine's tasks.
        owner: Who this process is.
    """

    def __init__(self, server: Server, tasks: Tasks, owner: str) -> None:
        self._server, self._tasks, self._owner = server, tasks, owner
        self._outboxes: dict[str, Outbox] = {}
        tasks.on_arrival(self._arrive)

    def publish(self, name: str, log: Log) -> None:
        """Write a stream, and what comes to it."""
        if not isinstance(log, Mirror) and self._outbox(name).publish(name, log):
            self._tasks.soon(lambda: self._tasks.once("lease", self._keep_lease))

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream."""
        self._tasks.soon(lambda: self._outbox(name).grant(name, reader))

    def find(self, name: str) -> Log | None:
        """Return the content of a stream of this process."""
        return self._outbox(name).find(name)

    async def close(self) -> None:
        """Write what waits, and give the lease back.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        for outbox in list(self._outboxes.values()):
            await outbox.close()
        await self._server.do("DEL", lease_key(self._owner))

    def _outbox(self, name: str) -> Outbox:
        group = self._server.group_of(lane_of(name))
        if group not in self._outboxes:
            outbox = Outbox(self._server, self._tasks, self._owner, group, self._meet)
            return self._outboxes.setdefault(group, outbox)
        return self._outboxes[group]

    def _meet(self, streamable: Streamable[Any]) -> None:
        if streamable.streaming:
            self.publish(streamable.id, streamable.log)

    def _arrive(self) -> None:
        for outbox in self._outboxes.values():
            outbox.doubt()
        if any(outbox.live for outbox in self._outboxes.values()):
            self._tasks.once("lease", self._keep_lease)

    async def _keep_lease(self) -> None:
        """Show that this process is alive, as long as it makes streams."""
        key, waiting, failures, held = lease_key(self._owner), backoff(), 0, False
        while any(outbox.live for outbox in self._outboxes.values()):
            time = int(settings.lease * 1000)
            try:
                # PEXPIRE, because a full Redis refuses SET.
                if not await self._server.do("PEXPIRE", key, time):
                    await self._server.do("SET", key, "1", "PX", time)
                    if held:  # Redis has lost it, or this process was away for long
                        for outbox in self._outboxes.values():
                            outbox.doubt()
                held, failures = True, 0
            except GONE:
                failures += 1
                await asyncio.sleep(waiting.compute(failures))
                continue
            for outbox in self._outboxes.values():
                outbox.keep_alive()
            await asyncio.sleep(settings.lease / 4)
