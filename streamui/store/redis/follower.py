"""Mirrors of the streams that other processes make."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from streamui.redaction import redacted_traceback
from streamui.settings import settings
from streamui.store.redis.absences import Absences
from streamui.store.redis.batch import end_streams
from streamui.store.redis.entry import decode
from streamui.store.redis.keys import lane_of, lease_key, log_key, stream_keys, wake_key
from streamui.store.redis.nodes import backoff
from streamui.store.redis.server import BATCH, GONE, Entry, Server, entries_of
from streamui.store.redis.tail import Tail
from streamui.store.redis.tasks import Tasks
from streamui.streamable.base import Streamable, kinds
from streamui.streamable.failure import INTERRUPTED, LOST, Failure
from streamui.streamable.log import UNSET, Log
from streamui.streamable.mirror import Mirror

logger = logging.getLogger("streamui")
_LOOKS, _LOOK_AGAIN = 3, 0.08  # how often, and after how many seconds, for one that is unknown


class Followed:
    """One stream that is mirrored, as long as somebody reads it."""

    __slots__ = ("__weakref__", "loaded", "log", "name", "owner")

    def __init__(self, name: str, log: Mirror, drop: Callable[[str], None]) -> None:
        self.name = name
        # Weakly: who reads it holds it, and when nobody does it is followed no longer.
        self.log = weakref.ref(log, lambda _: drop(name))
        self.owner: str | None = None  # who makes it; None while nobody is known to
        self.loaded = asyncio.Event()


class Follower:
    """Keeps the mirrors of this process up to date, and hears when a maker dies.

    Args:
        server: Where the streams are.
        tasks: The engine's tasks.
        owner: Who this process is.
        find: Gives the content of a stream that this process makes.
    """

    def __init__(
        self, server: Server, tasks: Tasks, owner: str, find: Callable[[str], Log | None]
    ) -> None:
        self._server, self._tasks, self._owner, self._find = server, tasks, owner, find
        self._followed: dict[str, Followed] = {}
        self._new: dict[Followed, None] = {}
        self._gone: deque[str] = deque()
        self._tails: dict[str, Tail] = {}
        self._absences = Absences()
        tasks.on_arrival(self._arrive)

    def mirror(self, name: str) -> Mirror:
        """Return the mirror of a stream, which fills soon."""
        followed = self._followed.get(name)
        log = followed.log() if followed is not None else None
        if log is None:
            log = Mirror()
            followed = self._followed[name] = Followed(name, log, self._gone.append)
            self._load(followed)
        return log

    async def fetch(self, name: str) -> Mirror | None:
        """Return the mirror of a stream once it holds what there is; ``None`` if nobody has it.

        It waits for as long as Redis cannot be used.
        """
        log = self.mirror(name)
        followed = self._followed[name]
        await followed.loaded.wait()
        for _ in range(_LOOKS):
            if followed.owner is not None or log.offset:
                return log
            # It may be on its way: whoever asks has heard of it from somewhere.
            await asyncio.sleep(_LOOK_AGAIN)
            followed.loaded.clear()
            self._load(followed)
            await followed.loaded.wait()
        return log if followed.owner is not None or log.offset else None

    # -- loading ------------------------------------------------------------------------

    def _load(self, followed: Followed) -> None:
        self._new[followed] = None
        self._tasks.soon(self._start)

    def _start(self) -> None:
        if self._new:
            self._tasks.once("load", self._load_new)
        if self._followed:
            self._tasks.once("watch", self._watch)

    def _arrive(self) -> None:
        self._tails.clear()
        self._new.update(dict.fromkeys(self._followed.values()))
        self._start()

    async def _load_new(self) -> None:
        pauses, failures = backoff(), 0
        while self._new:
            batch = list(self._new)[:BATCH]
            for followed in batch:
                self._new.pop(followed, None)
            unanswered = await self._load_all(batch)
            failures = failures + 1 if unanswered else 0
            self._new.update(dict.fromkeys(unanswered))
            if len(unanswered) == len(batch):  # streams on another node shall not wait for long
                await asyncio.sleep(min(0.2, pauses.compute(failures)))

    async def _load_all(self, batch: list[Followed]) -> list[Followed]:
        """Load streams, and return those for which nobody answers."""
        commands: list[tuple[str, ...]] = []
        for followed in batch:
            head, changes, _ = stream_keys(followed.name)
            commands += [("HGET", head, "owner"), ("XRANGE", changes, "-", "+")]
        replies = await self._server.do_all(commands)
        unanswered: list[Followed] = []
        for number, followed in enumerate(batch):
            owner, found = replies[2 * number : 2 * number + 2]
            if isinstance(owner, Exception) or isinstance(found, Exception):
                unanswered.append(followed)
            else:
                self._take(followed, owner, entries_of(found))
        return unanswered

    def _take(self, followed: Followed, owner: bytes | None, entries: list[Entry]) -> None:
        log = followed.log()
        if log is None or self._followed.get(followed.name) is not followed:
            return
        if owner is not None:
            followed.owner = owner.decode()
        try:
            self._catch_up(log, entries)
        except Exception as cause:  # whatever is in there, nobody must wait for it
            failure = Failure.of(cause)
            words = redacted_traceback(cause)
            logger.error("A stream in Redis cannot be read [%s]: %s", failure.reference, words)
            log.end("error", failure)
        if log.status == "streaming":
            name = followed.name
            tail = self._tail(name)
            if not tail.follows(log_key(name)):
                cursor = entries[-1][0] if entries else b"0-0"
                tail.follow(log_key(name), lambda new: self._hear(name, new), cursor)
        followed.loaded.set()

    def _catch_up(self, log: Mirror, entries: list[Entry]) -> None:
        """Bring a mirror to where the stream is, wherever between two entries it is itself."""
        truth = Mirror()
        for entry in entries:
            truth.apply(decode(*entry, self._resolve))
        if truth.offset > log.offset:
            log.apply(truth.read(log.offset))
        elif truth.status != "streaming":  # Redis has lost some, and the maker is gone
            log.end(truth.status, truth.failure)

    def _tail(self, name: str) -> Tail:
        lane = lane_of(name)
        group = self._server.group_of(lane)
        if group not in self._tails:
            wake = wake_key(lane, self._owner)
            self._tails[group] = Tail(self._server, self._tasks, group, wake)
        return self._tails[group]

    def _resolve(self, handle: dict[str, Any]) -> Streamable[Any]:
        kind, name = kinds.get(handle["kind"], Streamable), str(handle["$stream"])
        if "status" not in handle:
            return kind.mirroring(name, self._find(name) or self.mirror(name))
        failure, value = Failure.from_json(handle.get("error")), handle.get("value", UNSET)
        return kind.restored(name or None, value, handle["status"], failure, UNSET)

    # -- following ----------------------------------------------------------------------

    def _hear(self, name: str, entries: list[Entry]) -> None:
        # By its name: the stream may have been let go of and asked for again in the meantime.
        followed = self._followed.get(name)
        log = followed.log() if followed is not None else None
        if followed is not None and log is not None:
            try:
                for entry in entries:
                    log.apply(decode(*entry, self._resolve))
            except Exception:  # it begins elsewhere: Redis has lost something and got it again
                logger.debug("a mirror is loaded again", exc_info=True)
                self._load(followed)
        if log is None or log.status != "streaming":
            self._tail(name).leave(log_key(name))

    # -- watching -----------------------------------------------------------------------

    async def _watch(self) -> None:
        """Look whether those are alive who make what is followed."""
        while live := self._live():
            with contextlib.suppress(*GONE):
                await self._look(live)
            del live
            await asyncio.sleep(settings.lease / 16)

    def _live(self) -> list[Followed]:
        while self._gone:
            name = self._gone.popleft()
            if (followed := self._followed.get(name)) is not None and followed.log() is None:
                del self._followed[name]
                self._tail(name).leave(log_key(name))
        logs = [(followed, followed.log()) for followed in list(self._followed.values())]
        return [each for each, log in logs if log is not None and log.status == "streaming"]

    async def _look(self, live: list[Followed]) -> None:
        loop = asyncio.get_running_loop()
        leases = list({lease_key(each.owner) for each in live if each.owner is not None})
        unknown = {stream_keys(each.name)[0]: each for each in live if each.owner is None}
        asked = loop.time()
        commands = [("EXISTS", key) for key in (*leases, *unknown)]
        # While it cannot be known whether somebody is alive, nobody is dead: an error counts
        # as a sign of life.
        found = await self._server.do_all(commands)
        missing = [key for (_, key), there in zip(commands, found, strict=True) if not there]
        gone = self._absences.note(missing, asked, loop.time())
        for head, followed in unknown.items():
            if head not in missing:
                self._load(followed)
            elif head in gone and (log := followed.log()) is not None:
                log.end("interrupted", LOST)
        await self._end([each for each in live if each.owner and lease_key(each.owner) in gone])

    async def _end(self, orphans: list[Followed]) -> None:
        """End streams whose maker is dead, for all processes; the first to do so does it."""
        groups: dict[str, list[Followed]] = {}
        for followed in orphans:
            group = self._server.group_of(lane_of(followed.name))
            groups.setdefault(group, []).append(followed)
        for group in groups.values():
            streams = [(followed.name, followed.owner or "") for followed in group]
            found = await end_streams(self._server, streams, "interrupted", INTERRUPTED)
            for followed, (status, _) in zip(group, found, strict=True):
                if status == "absent" and (log := followed.log()) is not None:
                    log.end("interrupted")
                else:
                    self._load(followed)
