"""The engine that lets the processes of an app share their streams through Redis."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from streamui.errors import StoreUnavailableError
from streamui.redaction import redact
from streamui.settings import settings
from streamui.store.engine import Order
from streamui.store.redis.follower import Follower
from streamui.store.redis.grants import Grants
from streamui.store.redis.nodes import backoff
from streamui.store.redis.orders import Orders
from streamui.store.redis.publisher import Publisher
from streamui.store.redis.server import GONE, Server
from streamui.store.redis.tasks import Tasks
from streamui.streamable.log import Log

T = TypeVar("T")
logger = logging.getLogger("streamui")


class RedisEngine:
    """Shares streams through Redis: see :class:`streamui.store.engine.Engine`.

    Nothing is connected until an event loop uses it. A new event loop may use it after
    :meth:`close`.

    Args:
        url: See :class:`streamui.store.redis.server.Server`.
    """

    def __init__(self, url: str) -> None:
        owner = secrets.token_urlsafe(12)
        self._tasks = Tasks()
        self._server = Server(url)
        self._tasks.on_arrival(self._server.forget)
        self._grants = Grants(self._server, self._tasks)
        self._orders = Orders(self._server, self._tasks, owner)
        self._publisher = Publisher(self._server, self._tasks, owner, self._grants, self._orders)
        self._follower = Follower(self._server, self._tasks, owner, self._publisher.find)

    def start(self) -> None:
        """Begin to listen, in the running event loop; harmless twice."""
        self._tasks.enter()

    def publish(self, name: str, log: Log) -> None:
        """Write a stream of this process where others can read it, and all that comes to it."""
        self._publisher.publish(name, log)

    def mirror(self, name: str) -> Log:
        """Return a log that does what a stream of another process does; it fills soon."""
        return self._publisher.find(name) or self._follower.mirror(name)

    async def fetch(self, name: str) -> Log | None:
        """Return a stream's content; ``None`` if nobody has it.

        Raises:
            StoreUnavailableError: If Redis does not answer.
        """
        if (own := self._publisher.find(name)) is not None:
            return own
        return await self._answered(lambda: self._follower.fetch(name))

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream, whichever process it asks."""
        self._publisher.grant(name, reader)

    async def granted(self, name: str, reader: str) -> bool:
        """Return whether a reader was let read a stream by any process.

        Raises:
            StoreUnavailableError: If Redis does not answer.
        """
        return await self._answered(lambda: self._grants.granted(name, reader))

    async def send(self, order: Order) -> None:
        """Tell every other process something.

        Raises:
            StoreUnavailableError: If Redis does not answer.
        """
        await self._answered(lambda: self._orders.send(order))

    def send_soon(self, order: Order) -> None:
        """Do the same in the background; never blocks and never raises."""
        self._orders.send_soon(order)

    def listen(self, hear: Callable[[Order], None]) -> None:
        """Call a function with each order that another process sends."""
        self._orders.listen(hear)

    async def close(self) -> None:
        """Write what is left to write, and let go of every connection and task."""
        self._tasks.enter()
        await self._tasks.cancel()
        try:
            async with asyncio.timeout(settings.store_patience):
                await self._grants.flush()
                await self._publisher.close()
                await self._orders.flush()
        except GONE as error:
            logger.warning("Redis did not take what was left to write: %s", redact(str(error)))
        await self._server.close()
        self._tasks.leave()

    async def _answered(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if not self._tasks.enter():
            return await self._tasks.elsewhere(self._asked(ask))
        return await self._asked(ask)

    async def _asked(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ask until there is an answer, or it takes too long."""
        pauses, failures = backoff(), 0
        problem: BaseException | None = None
        try:
            async with asyncio.timeout(settings.store_patience):
                while True:
                    try:
                        return await ask()
                    except GONE as error:
                        problem = error
                        failures += 1
                        await asyncio.sleep(pauses.compute(failures))
        except TimeoutError as error:
            words = redact(str(problem)) if problem is not None else "it is silent"
            raise StoreUnavailableError(f"Redis does not answer: {words}") from (problem or error)
