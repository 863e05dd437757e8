"""Writing streams whose keys live together, at frame pace.

While Redis cannot be used, what is written merges in the logs, which costs nothing; when it is
back, each publication goes on from where Redis says it is, or from the beginning if Redis has
lost the stream.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from streamui.errors import StoreUnavailableError
from streamui.redaction import redact, redacted_traceback
from streamui.settings import settings
from streamui.store.redis.batch import Batch, end_streams
from streamui.store.redis.grants import Grants
from streamui.store.redis.nodes import backoff
from streamui.store.redis.publication import Draft, Publication
from streamui.store.redis.server import GONE, Server
from streamui.store.redis.tasks import Tasks
from streamui.store.redis.times import kept
from streamui.streamable.base import Streamable
from streamui.streamable.failure import INTERRUPTED, Failure
from streamui.streamable.log import Log, Status

logger = logging.getLogger("streamui")
_HINDERED = 0.25  # seconds until what Redis refused is tried again


class Outbox:
    """The publications of one group of the server's, and what of them waits to be written.

    Args:
        server: Where to.
        tasks: The engine's tasks.
        owner: Who this process is.
        group: Which group it is.
        meet: Called with each stream that is inside another.
        grants: Where to write again who may read.
        tell_loss: Called when Redis may have lost something.
    """

    def __init__(
        self,
        server: Server,
        tasks: Tasks,
        owner: str,
        group: str,
        meet: Callable[[Streamable[Any]], None],
        grants: Grants,
        tell_loss: Callable[[], None],
    ) -> None:
        self._server, self._tasks, self._owner, self._group = server, tasks, owner, group
        self._meet, self._grants, self._tell_loss = meet, grants, tell_loss
        self._publications: dict[str, Publication] = {}
        self._ended: deque[tuple[float, Publication]] = deque()
        self._waiting: dict[Publication, None] = {}
        self._next = 0.0  # the earliest time to write again
        self._hindered = False
        self._lost = False  # Redis has less of a stream than it said
        self.live: set[str] = set()

    # -- what there is to do ------------------------------------------------------------

    def publish(self, name: str, log: Log) -> bool:
        """Take charge of a stream; return whether it is a new one."""
        if name in self._publications:
            return False
        publication = self._publications[name] = Publication(name, log, self._wake)
        self.live.add(name)
        log.listen(publication.wake)
        self._wake(publication)
        return True

    @property
    def holds(self) -> bool:
        """Whether it has any stream that others may ask for."""
        return bool(self._publications)

    def find(self, name: str) -> Log | None:
        """Return the content of a stream that is published here."""
        publication = self._publications.get(name)
        return publication.log if publication is not None else None

    def doubt(self) -> None:
        """Make sure that Redis has all of every stream: it may have lost some."""
        self._forget()
        for publication in list(self._publications.values()):
            publication.doubtful = True
            self._wait(publication)
            for reader in publication.readers:
                self._grants.grant(publication.name, reader)

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream, and again should Redis lose that."""
        if (publication := self._publications.get(name)) is not None:
            publication.readers.add(reader)
        self._grants.grant(name, reader)

    def keep_alive(self) -> None:
        """Have Redis keep the live streams for longer, where that is due."""
        self._forget()
        due = asyncio.get_running_loop().time() - kept() / 4000
        for name in list(self.live):
            publication = self._publications.get(name)
            if publication is not None and 0 < publication.kept <= due:
                publication.doubtful = True
                self._wait(publication)

    def _forget(self) -> None:
        """Let go of the streams that Redis has let go of."""
        now = asyncio.get_running_loop().time()
        while self._ended and self._ended[0][0] <= now:
            self._drop(self._ended.popleft()[1])

    def _wake(self, publication: Publication) -> None:
        if not publication.waiting:
            publication.waiting = True
            self._tasks.soon(lambda: self._wait(publication))

    def _wait(self, publication: Publication) -> None:
        publication.waiting = True
        self._waiting[publication] = None
        self._tasks.once(f"publish-{self._group}", self._run)

    # -- doing it -----------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pauses, failures = backoff(), 0
        while self._waiting:
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            begun, used = loop.time(), time.thread_time()
            try:
                await self.flush()
            except GONE as error:
                if not failures:
                    logger.warning("Redis cannot be written to: %s", redact(str(error)))
                failures += 1
                self._next = loop.time() + pauses.compute(failures)
                continue
            if failures:
                failures = 0
                logger.warning("Redis can be written to again")
                self._lost = True  # it may have; what was there is not asked for one by one
            if self._lost:
                self._lost = False
                self.doubt()
                self._tell_loss()
            # A busy process writes less often: no more than half its time goes to this.
            pace = max(settings.frame_interval / 2, 2 * (time.thread_time() - used))
            self._next = begun + (_HINDERED if self._hindered else pace)
            self._hindered = False

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            RedisError: Or another of ``GONE``; what could not be written waits again.
        """
        pending, self._waiting = self._waiting, {}
        publications = deque(pending)
        try:
            while publications:
                await self._write(publications)
        except BaseException:
            for publication in publications:
                self._wait(publication)
            raise
        finally:
            self._forget()

    async def _write(self, publications: deque[Publication]) -> None:
        """Write the first of some streams, and take them out."""
        batch, taken = Batch(), 0
        for publication in publications:
            if batch.full:
                break
            taken += 1
            publication.waiting = False
            try:
                draft = publication.draft(self._meet)
            except Exception as cause:  # what else waits must be written
                words = redacted_traceback(cause)
                await self._give_up(publication, cause, f"A stream could not be written: {words}")
                continue
            if draft is not None:
                batch.add(publication, draft)
        for publication, draft, answer, top in await batch.write(self._server, self._owner):
            await self._hear(publication, draft, answer, top)
        for _ in range(taken):
            publications.popleft()

    async def _hear(self, publication: Publication, draft: Draft, answer: str, top: int) -> None:
        log = publication.log
        if answer == "ok":
            if "k" in draft.marks or not publication.kept:
                publication.kept = asyncio.get_running_loop().time()
            publication.doubtful = False
            publication.written(draft)
            if draft.status != "streaming":
                self._finish(publication)
        elif answer == "at":
            self._lost |= top < publication.offset
            publication.offset = top
            self._wait(publication)
        elif answer == log.status and top == log.offset:
            self._finish(publication)  # it was written before, and the answer was lost
        elif answer in ("taken", "done", "error", "cancelled", "interrupted"):
            self._drop(publication)
            # What had ended when it came here is a copy, such as that in a saved state.
            if log.end("interrupted") or answer != "taken":
                logger.warning("A stream is not this process's any more: it is %s", answer)
        else:
            await self._hear_refusal(publication, answer)

    async def _hear_refusal(self, publication: Publication, words: str) -> None:
        now = asyncio.get_running_loop().time()
        if publication.refused_since is None:
            publication.refused_since = now
            logger.error("Redis refuses to take a stream: %s", redact(words))
        if now - publication.refused_since < settings.store_patience:
            self._hindered = True
            self._wait(publication)
            return
        cause = StoreUnavailableError(f"Redis refuses to take a stream: {redact(words)}")
        await self._give_up(publication, cause, "A stream is ended, because Redis refuses it")

    async def _give_up(self, publication: Publication, cause: Exception, words: str) -> None:
        """End a stream as failed, here and for everybody else."""
        failure = Failure.of(cause)
        logger.error("%s [%s]", words, failure.reference)
        await self._end([publication], "error", failure)
        self._drop(publication)
        publication.log.end("error", failure, cause)

    def _finish(self, publication: Publication) -> None:
        publication.offset, publication.doubtful = publication.log.offset, False
        if not publication.finished:
            self._leave(publication)
            until = asyncio.get_running_loop().time() + settings.retain
            self._ended.append((until, publication))

    def _drop(self, publication: Publication) -> None:
        if self._publications.get(publication.name) is publication:
            del self._publications[publication.name]
            self._leave(publication)

    def _leave(self, publication: Publication) -> None:
        publication.finished = True
        publication.log.unlisten(publication.wake)
        self.live.discard(publication.name)

    async def _end(self, publications: list[Publication], status: Status, why: Failure) -> None:
        streams = [(publication.name, self._owner) for publication in publications]
        await end_streams(self._server, streams, status, why)

    async def close(self) -> None:
        """Write what waits, and end for everybody else what is open: nobody makes it now.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        try:
            while self._waiting:
                await self.flush()
                await asyncio.sleep(_HINDERED if self._hindered else 0)
                self._hindered = False
            live = [each for each in self._publications.values() if not each.finished]
            await self._end(live, "interrupted", INTERRUPTED)
        finally:
            for publication in list(self._publications.values()):
                self._drop(publication)
            self._waiting.clear()
