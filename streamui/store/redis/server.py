"""The connection to Redis: one server or a cluster, with the ``redis`` package's own clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisClusterException, RedisError

BLOCK = 5.0
"""Seconds that a read waits for something new."""

_PATIENCE = 5.0  # seconds for one command; a server that is slow for 2 s is not gone
_CONNECT = 2.0

GONE = (RedisError, RedisClusterException, OSError, asyncio.TimeoutError)
"""What is raised while Redis cannot be used."""

Entry = tuple[bytes, bytes]
"""An entry of a Redis Stream: its id, and the value of its one field."""


def backoff() -> ExponentialWithJitterBackoff:
    """Return how long to wait between attempts: short, because all readers wait."""
    return ExponentialWithJitterBackoff(base=0.05, cap=1.0)


class Server:
    """One Redis server, or a cluster of them.

    Connections are made when they are first used, and again after they broke.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://`` as the ``redis`` package reads them;
            ``redis+cluster://`` or ``rediss+cluster://`` for a cluster, with one or several
            ``host:port`` of it, separated by commas.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.cluster = urlsplit(url).scheme.endswith("+cluster")
        self._clients: dict[bool, Any] = {}
        folder = Path(__file__).parent
        self._sources = {path.stem: path.read_text() for path in folder.glob("*.lua")}
        self._scripts: dict[str, Any] = {}

    def _client(self, blocking: bool = False) -> Any:
        if blocking not in self._clients:
            self._clients[blocking] = self._connect(BLOCK + _PATIENCE if blocking else _PATIENCE)
        return self._clients[blocking]

    def _connect(self, patience: float) -> Any:
        options: dict[str, Any] = {
            "socket_timeout": patience,
            "socket_connect_timeout": _CONNECT,
            "socket_keepalive": True,
            "retry": Retry(backoff(), 2),
            "protocol": 2,
        }
        if not self.cluster:
            return Redis.from_url(self._url, **options)
        scheme, _, rest = self._url.partition("+cluster://")
        credentials, _, hosts = rest.split("/")[0].rpartition("@")
        at = f"{credentials}@" if credentials else ""
        first, *others = hosts.split(",")
        nodes = [urlsplit(f"{scheme}://{host}") for host in others]
        return RedisCluster.from_url(
            f"{scheme}://{at}{first}",
            startup_nodes=[ClusterNode(node.hostname or "", node.port or 6379) for node in nodes],
            **options,
        )

    def group_of(self, lane: str) -> str:
        """Return which streams can be written and read together with those of a lane."""
        return lane if self.cluster else ""

    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> list[Any]:
        """Run one of the scripts beside this file.

        Args:
            script: Its name.
            keys: All of one slot.
            arguments: What it says.
        """
        if script not in self._scripts:
            self._scripts[script] = self._client().register_script(self._sources[script])
        return cast("list[Any]", await self._scripts[script](keys=keys, args=arguments))

    async def do(self, *command: Any) -> Any:
        """Run one command."""
        return await self._client().execute_command(*command)

    async def do_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Run several commands in one go; they may be of several slots."""
        if not commands:
            return []
        async with self._client().pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return cast("list[Any]", await pipeline.execute())

    async def read(
        self, cursors: dict[str, bytes], blocked: Callable[[], None]
    ) -> list[tuple[str, list[Entry]]]:
        """Wait for entries that come after given ones.

        Args:
            cursors: The last entry that is known, by key; all keys of one slot.
            blocked: Called right before it waits.
        """
        client = self._client(blocking=True)
        options: dict[str, Any] = {}
        if self.cluster:
            await client.initialize()
            options["target_nodes"] = [client.get_node_from_key(next(iter(cursors)))]
        command = ["XREAD", "BLOCK", int(BLOCK * 1000), "STREAMS", *cursors, *cursors.values()]
        blocked()
        reply = await client.execute_command(*command, **options)
        return [(key.decode(), entries_of(entries)) for key, entries in reply or []]

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients, self._scripts = self._clients, {}, {}
        for client in clients.values():
            await client.aclose()

    def forget(self) -> None:
        """Leave the connections to the event loop they were made in, which is gone."""
        self._clients, self._scripts = {}, {}


def entries_of(reply: Any) -> list[Entry]:
    """Return the entries in the reply to ``XRANGE``.

    Args:
        reply: As the ``redis`` package gives it.
    """
    return [(entry_id, next(iter(fields.values()))) for entry_id, fields in reply]
