"""What all processes are told: a Redis Stream that each reads from where it was."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Callable

from streamui.store.engine import Order
from streamui.store.redis.keys import ORDERS
from streamui.store.redis.nodes import backoff
from streamui.store.redis.server import GONE, Entry, Server
from streamui.store.redis.tail import Tail
from streamui.store.redis.tasks import Tasks

_MOST = 10_000  # orders that Redis keeps, for processes that were disconnected,
_KEPT = 3_600_000  # and for how many milliseconds


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
        self._unsent: deque[str] = deque(maxlen=1_000)
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
        text = self._text(order)

        def start() -> None:
            self._unsent.append(text)
            self._tasks.once("send", self._send_all)

        self._tasks.soon(start)

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
                await self._add(self._unsent[0])
                self._unsent.popleft()
                failures = 0
            except GONE:
                failures += 1
                await asyncio.sleep(waiting.compute(failures))

    def _arrive(self) -> None:
        if self._hear:
            self._tasks.once("orders", self._begin)

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
