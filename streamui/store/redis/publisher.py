"""What this process gives to the others: its streams, who may read them, and that it lives."""

from __future__ import annotations

import asyncio
from typing import Any

from streamui.settings import settings
from streamui.store.engine import Order
from streamui.store.redis.grants import Grants
from streamui.store.redis.keys import lane_of, lease_key
from streamui.store.redis.nodes import backoff
from streamui.store.redis.orders import Orders
from streamui.store.redis.outbox import Outbox
from streamui.store.redis.server import GONE, Server
from streamui.store.redis.tasks import Tasks
from streamui.store.redis.times import lease
from streamui.streamable.base import Streamable
from streamui.streamable.log import Log
from streamui.streamable.mirror import Mirror

_LOSS = {"redis_has_lost": "streams"}
_MOST = 10_000  # grants that are remembered, of streams that others make


class Publisher:
    """Writes the streams of this process into Redis, and keeps the lease on them.

    The lease is one for the whole process: a key that exists as long as the process renews it.

    Args:
        server: Where to.
        tasks: The engine's tasks.
        owner: Who this process is.
        grants: Where to write who may read what.
        orders: How to tell the others that Redis has lost something.
    """

    def __init__(
        self, server: Server, tasks: Tasks, owner: str, grants: Grants, orders: Orders
    ) -> None:
        self._server, self._tasks, self._owner = server, tasks, owner
        self._grants, self._orders = grants, orders
        self._outboxes: dict[str, Outbox] = {}
        self._given: dict[tuple[str, str], None] = {}  # grants for streams that others make
        tasks.on_arrival(self._arrive)
        orders.listen(self._hear)

    def publish(self, name: str, log: Log) -> None:
        """Write a stream, and what comes to it."""
        if not isinstance(log, Mirror) and self._outbox(name).publish(name, log):
            self._tasks.soon(lambda: self._tasks.once("lease", self._keep_lease))

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream."""
        if self.find(name) is None:
            self._given[name, reader] = None
            if len(self._given) > _MOST:
                self._given.pop(next(iter(self._given)), None)
        self._outbox(name).grant(name, reader)

    def find(self, name: str) -> Log | None:
        """Return the content of a stream of this process."""
        outbox = self._outboxes.get(self._server.group_of(lane_of(name)))
        return outbox.find(name) if outbox is not None else None

    async def close(self) -> None:
        """Write what waits, and give the lease back.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        held = bool(self._outboxes)
        for outbox in list(self._outboxes.values()):
            await outbox.close()
        if held:
            await self._server.do("DEL", lease_key(self._owner))

    def _outbox(self, name: str) -> Outbox:
        group = self._server.group_of(lane_of(name))
        outbox = self._outboxes.get(group)
        if outbox is None:
            outbox = Outbox(
                self._server,
                self._tasks,
                self._owner,
                group,
                self._meet,
                self._grants,
                self._tell_loss,
            )
            return self._outboxes.setdefault(group, outbox)  # another thread may have been faster
        return outbox

    def _meet(self, streamable: Streamable[Any]) -> None:
        if streamable.streaming:
            self.publish(streamable.id, streamable.log)

    def _holds(self) -> bool:
        # Ended ones, too: should Redis lose them, they are written again.
        return any(outbox.holds for outbox in self._outboxes.values())

    def _arrive(self) -> None:
        self.doubt()
        if self._holds():
            self._tasks.once("lease", self._keep_lease)

    def doubt(self) -> None:
        """Make sure that Redis has all that this process gave it."""
        for outbox in list(self._outboxes.values()):
            outbox.doubt()

    def _tell_loss(self) -> None:
        """Have all processes say again who may read: who makes a stream does not know of all."""
        self._grant_again()
        self._orders.send_soon(_LOSS)

    def _hear(self, order: Order) -> None:
        if order == _LOSS:
            self._grant_again()

    def _grant_again(self) -> None:
        for name, reader in list(self._given):
            self._grants.grant(name, reader)

    async def _keep_lease(self) -> None:
        """Show that this process is alive, as long as it has streams."""
        key, pauses, failures, held = lease_key(self._owner), backoff(), 0, False
        while self._holds():
            milliseconds = lease()
            try:
                # PEXPIRE, because a full Redis refuses SET.
                if not await self._server.do("PEXPIRE", key, milliseconds):
                    await self._server.do("SET", key, "1", "PX", milliseconds)
                    if held:  # Redis has lost it, or this process was away for long
                        self.doubt()
                        self._tell_loss()
                held, failures = True, 0
            except GONE:
                failures += 1
                await asyncio.sleep(pauses.compute(failures))
                continue
            for outbox in list(self._outboxes.values()):
                outbox.keep_alive()
            await asyncio.sleep(settings.lease / 4)
