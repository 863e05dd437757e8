"""Who may read and stop which stream: a sorted set in Redis beside each."""

from __future__ import annotations

import asyncio

from streamui.store.readers import Readers
from streamui.store.redis.keys import lane_of, stream_keys
from streamui.store.redis.nodes import backoff
from streamui.store.redis.server import BATCH, GONE, Server
from streamui.store.redis.tasks import Tasks
from streamui.store.redis.times import kept

_LOOKS, _LOOK_AGAIN = 2, 0.05  # seconds: a grant of this moment may be on its way
_AT_ONCE = 4  # questions; however many strangers ask, the lease and the writes find a free turn


class Grants:
    """Writes grants as soon as they are made, and asks for those of other processes.

    Args:
        server: Where they are.
        tasks: The engine's tasks.
    """

    def __init__(self, server: Server, tasks: Tasks) -> None:
        self._server, self._tasks = server, tasks
        self._unwritten: dict[str, dict[tuple[str, str], None]] = {}
        self._asking = asyncio.Semaphore(_AT_ONCE)
        tasks.on_arrival(self._arrive)

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream, whichever process it asks; never blocks."""

        def wait() -> None:
            group = self._server.group_of(lane_of(name))
            self._unwritten.setdefault(group, {})[name, reader] = None
            self._tasks.once(f"grant-{group}", lambda: self._write(group))

        self._tasks.soon(wait)

    async def granted(self, name: str, reader: str) -> bool:
        """Return whether a reader was let read a stream by any process.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        readers = stream_keys(name)[2]
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(_LOOK_AGAIN)
            async with self._asking:
                if await self._server.do("ZSCORE", readers, reader) is not None:
                    return True
        return False

    async def flush(self) -> None:
        """Write what waits.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        for group in list(self._unwritten):
            await self._write_all(self._unwritten[group])

    def _arrive(self) -> None:
        self._asking = asyncio.Semaphore(_AT_ONCE)  # the one before may be another loop's
        for group, unwritten in self._unwritten.items():
            if unwritten:
                self._tasks.once(f"grant-{group}", lambda group=group: self._write(group))

    async def _write(self, group: str) -> None:
        pauses, failures = backoff(), 0
        while unwritten := self._unwritten[group]:
            try:
                await self._write_all(unwritten)
                failures = 0
            except GONE:
                failures += 1
                await asyncio.sleep(pauses.compute(failures))

    async def _write_all(self, unwritten: dict[tuple[str, str], None]) -> None:
        while unwritten:
            batch = list(unwritten)[:BATCH]
            keys = [key for name, _ in batch for key in stream_keys(name)[::2]]
            arguments = [kept(), Readers.most, *(reader for _, reader in batch)]
            await self._server.run("grant", keys, arguments)
            for each in batch:
                unwritten.pop(each, None)
