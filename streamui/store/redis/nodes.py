"""Which Redis server has a key: the only one, or one of a cluster's."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError

PATIENCE = 5.0
"""Seconds that one command may take: a server that is slow for two is not gone."""

_CONNECT = 2.0
_CONNECTIONS = 16  # to each server, beside those that wait for something new


def backoff() -> ExponentialWithJitterBackoff:
    """Return how long to wait between attempts: short, because all readers wait."""
    return ExponentialWithJitterBackoff(base=0.05, cap=1.0)


class Node:
    """One Redis server; it is connected to when it is first used, and again after a break.

    Args:
        url: As the ``redis`` package reads it.
    """

    def __init__(self, url: str) -> None:
        self.client: Any = cast("Any", Redis).from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=_CONNECT,
            socket_keepalive=True,
            retry=Retry(backoff(), 2),
            protocol=2,
            encoding_errors="backslashreplace",  # an id may be anything that a client sends
        )
        self.turns = asyncio.Semaphore(_CONNECTIONS)
        self._scripts: dict[str, Any] = {}

    def script(self, source: str) -> Any:
        """Return a script that can be run here."""
        if source not in self._scripts:
            self._scripts[source] = self.client.register_script(source)
        return self._scripts[source]


class Single:
    """The only server there is.

    Args:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self._node = Node(url)

    async def of(self, key: str) -> Node:
        """Return the node that has a key."""
        return self._node

    def doubt(self) -> None:
        """Look again who has what: a node was not the right one, or did not answer."""

    async def close(self) -> None:
        """Close all connections."""
        await self._node.client.aclose()


class Cluster:
    """The servers of a Redis Cluster, each of which has some of the slots.

    The ``redis`` package's own client for clusters is not used before its version 8, which Reflex
    does not allow yet: it leaves a generation of connections open whenever a node has failed
    (https://github.com/redis/redis-py/pull/4057), and sends what is asked first to any node.

    Args:
        url: With one or several ``host:port``, separated by commas.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme.removesuffix("+cluster")
        self._credentials, self._at, places = parts.netloc.rpartition("@")
        self._query = parts.query
        self._seeds = [
            place if place.rpartition(":")[2].isdigit() else f"{place}:6379"
            for place in places.split(",")
        ]
        self._nodes: dict[str, Node] = {}
        self._slots: list[tuple[int, int, str]] = []
        self._lock = asyncio.Lock()

    async def of(self, key: str) -> Node:
        """Return the node that has a key.

        Raises:
            RedisError: If none has it now.
        """
        if not self._slots:
            async with self._lock:
                if not self._slots:
                    await self._learn()
        slot = key_slot(key.encode("utf-8", "backslashreplace"))
        for first, last, place in self._slots:
            if first <= slot <= last:
                return self._node(place)
        self._slots = []
        raise RedisError(f"no node of the cluster has slot {slot} now")

    def doubt(self) -> None:
        """Look again who has what: a node was not the right one, or did not answer."""
        self._slots = []

    async def close(self) -> None:
        """Close all connections."""
        nodes, self._nodes, self._slots = self._nodes, {}, []
        for node in nodes.values():
            await node.client.aclose()

    def _node(self, place: str) -> Node:
        if place not in self._nodes:
            url = f"{self._scheme}://{self._credentials}{self._at}{place}?{self._query}"
            self._nodes[place] = Node(url)
        return self._nodes[place]

    async def _learn(self) -> None:
        """Ask the nodes, one after the other, who has what."""
        failure: Exception | None = None
        for place in dict.fromkeys([*self._nodes, *self._seeds]):
            try:
                node = self._node(place)
                async with node.turns:
                    reply = await node.client.execute_command("CLUSTER SLOTS")
            except (RedisError, OSError) as error:
                failure = error
                self._nodes[place] = self._nodes.pop(place)  # asked last from now on
                continue
            asked = place.rpartition(":")[0]
            self._slots = [
                (int(first), int(last), f"{_host(main[0].decode()) or asked}:{main[1]}")
                for first, last, main, *_ in reply
            ]
            return
        raise RedisError(f"no node of the cluster answers: {failure}") from failure


def _host(name: str) -> str:
    """A node that does not know its own name gives none: then it is as it was asked."""
    return f"[{name}]" if ":" in name else name
