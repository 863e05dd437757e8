"""What all processes are told: a Redis Stream that each reads from where it was."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import deque
from collections.abc import Callable

from streamui.store.engine import Order
from streamui.store.redis.keys import ORDERS
from streamui.store.redis.nodes import backoff
from streamui.store.redis.server import GONE, Entry, Server
from streamui.store.redis.tail import Tail
from streamui.store.redis.tasks import Tasks

logger = logging.getLogger("streamui")
_MOST = 10_000  # orders that Redis keeps, for processes that were disconnected,
_KEPT = 3_600_000  # and for how many milliseconds; as many wait here for Redis


class Orders:
    """Sends and hears orders, each once.

    Args:
        server: Where they are.
        tasks: The engine's tasks.
        owner: Who this process is; its own orders it does not hear.
    """

    def __init__(self, server: Server, tasks: Tasks, owner: str) -> None:
        self._server, self._tasks, self._owner = server, tasks, owner
        self._hear: list[Callable[[Order], None]] = []
        self._unsent: dict[str, str] = {}  # by what they say: of two that say the same one will do
        self._refuses = False
        self._heard: deque[str] = deque(maxlen=1_000)
        tasks.on_arrival(self._arrive)

    def listen(self, hear: Callable[[Order], None]) -> None:
        """Call a function with each order of another process."""
        self._hear.append(hear)
        self._tasks.soon(self._arrive)

    async def send(self, order: Order) -> None:
        """Tell every other process something.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        await self._add(self._text(order))

    def send_soon(self, order: Order) -> None:
        """Tell every other process something in the background."""
        says, text = json.dumps(order), self._text(order)

        def start() -> None:
            if says not in self._unsent and len(self._unsent) >= _MOST:
                if not self._refuses:
                    logger.error("Orders for other processes are lost: %d wait for Redis", _MOST)
                self._refuses = True
                return
            self._unsent[says] = text
            self._tasks.once("send", self._send_all)

        self._tasks.soon(start)

    async def flush(self) -> None:
        """Send what waits.

        Raises:
            RedisError: Or another of ``GONE``; what could not be sent waits again.
        """
        while self._unsent:
            says = next(iter(self._unsent))
            text = self._unsent.pop(says)  # from now on the same may be told again
            try:
                await self._add(text)
            except BaseException:
                self._unsent = {says: text} | self._unsent
                raise
        self._refuses = False

    def _text(self, order: Order) -> str:
        # With a number of its own: sent again after a lost answer it is still heard once.
        return json.dumps([self._owner, secrets.token_hex(8), order])

    async def _add(self, text: str) -> None:
        await self._server.do("XADD", ORDERS, "MAXLEN", "~", _MOST, "*", "order", text)
        await self._server.do("PEXPIRE", ORDERS, _KEPT)

    async def _send_all(self) -> None:
        waiting, failures = backoff(), 0
        while self._unsent:
            try:
                await self.flush()
            except GONE:
                failures += 1
                await asyncio.sleep(waiting.compute(failures))

    def _arrive(self) -> None:
        if self._hear:
            self._tasks.once("orders", self._begin)
        if self._unsent:
            self._tasks.once("send", self._send_all)

    async def _begin(self) -> None:
        """Find where the orders are now, and follow them from there."""
        waiting, failures = backoff(), 0
        while True:
            try:
                last = await self._server.do("XREVRANGE", ORDERS, "+", "-", "COUNT", 1)
                break
            except GONE:
                failures += 1
                await asyncio.sleep(waiting.compute(failures))
        cursor = last[0][0] if last else b"0-0"
        Tail(self._server, self._tasks, "orders").follow(ORDERS, self._take, cursor)

    def _take(self, entries: list[Entry]) -> None:
        for _, entry in entries:
            owner, number, order = json.loads(entry)
            if owner == self._owner or number in self._heard:
                continue
            self._heard.append(number)
            for hear in self._hear:
                hear(order)
