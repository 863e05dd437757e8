"""The connection to Redis: one server or a cluster, with the ``redis`` package's own clients."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisClusterException, RedisError

P = ParamSpec("P")
T = TypeVar("T")
_BLOCK = 2.0  # seconds that a read waits for something new
_PATIENCE = 5.0  # for one command, this wait included: a server that is slow for 2 s is not gone
_CONNECT = 2.0
_CONNECTIONS = 16  # to each server, beside those that wait for something new
_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster")

BATCH = 100
"""Streams in one call of a script, so that no other client of Redis waits long."""

GONE = (RedisError, RedisClusterException, OSError, asyncio.TimeoutError)
"""What is raised while Redis cannot be used."""

Entry = tuple[bytes, bytes]
"""An entry of a Redis Stream: its id, and the value of its one field."""


def _told_apart(ask: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Make whatever the client stumbles over one of :data:`GONE`.

    When one task of a process finds a connection broken, the client may close it under the
    hands of another, which then gets an AttributeError.
    """

    @functools.wraps(ask)
    async def answer(*args: P.args, **named: P.kwargs) -> T:
        try:
            return await ask(*args, **named)
        except GONE:
            raise
        except Exception as error:
            raise RedisError(f"the client failed: {error!r}") from error

    return answer


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

    Raises:
        ValueError: If it is none of these.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        scheme = urlsplit(url).scheme
        if scheme not in _SCHEMES:
            raise ValueError(f"an address of Redis begins with one of {_SCHEMES}, not {scheme!r}")
        self.cluster = scheme.endswith("+cluster")
        self._made: Any = None
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        folder = Path(__file__).parent
        self._sources = {path.stem: path.read_text() for path in folder.glob("*.lua")}
        self._scripts: dict[str, Any] = {}

    def _make(self) -> Any:
        options: dict[str, Any] = {
            "socket_timeout": _PATIENCE,
            "socket_connect_timeout": _CONNECT,
            "socket_keepalive": True,
            "retry": Retry(backoff(), 2),
            "protocol": 2,
            "encoding_errors": "backslashreplace",  # an id may be anything that a client sends
        }
        if not self.cluster:
            return cast("Any", Redis).from_url(self._url, **options)
        parts = urlsplit(self._url)
        scheme = parts.scheme.removesuffix("+cluster")
        credentials, at, places = parts.netloc.rpartition("@")
        first, *others = places.split(",")
        nodes = [urlsplit(f"{scheme}://{place}") for place in others]
        return RedisCluster.from_url(
            f"{scheme}://{credentials}{at}{first}?{parts.query}",
            startup_nodes=[ClusterNode(node.hostname or "", node.port or 6379) for node in nodes],
            **options,
        )

    def group_of(self, lane: str) -> str:
        """Return which streams can be written and read together with those of a lane."""
        return lane if self.cluster else ""

    @_told_apart
    async def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> list[Any]:
        """Run one of the scripts beside this file.

        Args:
            script: Its name.
            keys: All of one slot.
            arguments: What it says.
        """
        client = await self._ready()
        if script not in self._scripts:
            self._scripts[script] = client.register_script(self._sources[script])
        async with self._turns:
            return cast("list[Any]", await self._scripts[script](keys=keys, args=arguments))

    @_told_apart
    async def do(self, *command: Any) -> Any:
        """Run one command."""
        client = await self._ready()
        async with self._turns:
            return await client.execute_command(*command)

    @_told_apart
    async def do_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Run several commands in one go; they may be of several slots."""
        if not commands:
            return []
        client = await self._ready()
        async with self._turns, client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return cast("list[Any]", await pipeline.execute())

    @_told_apart
    async def read(
        self, cursors: dict[str, bytes], blocked: Callable[[], None]
    ) -> list[tuple[str, list[Entry]]]:
        """Wait for entries that come after given ones.

        Args:
            cursors: The last entry that is known, by key; all keys of one slot.
            blocked: Called right before it waits.
        """
        client = await self._ready()
        options: dict[str, Any] = {}
        if self.cluster:  # else it asks a node first which of the arguments are keys
            options["target_nodes"] = [client.get_node_from_key(next(iter(cursors)))]
        command = ["XREAD", "BLOCK", int(_BLOCK * 1000), "STREAMS", *cursors, *cursors.values()]
        blocked()
        reply = await client.execute_command(*command, **options)
        streams = cast("list[tuple[bytes, Any]]", reply or [])
        return [(key.decode(), entries_of(entries)) for key, entries in streams]

    async def _ready(self) -> Any:
        if self._made is None:
            self._made = self._make()
        if self.cluster:
            # Until it knows the cluster, the client sends each command to any node.
            await self._made.initialize()
        return self._made

    async def close(self) -> None:
        """Close all connections."""
        client, self._made, self._scripts = self._made, None, {}
        if client is None:
            return
        await client.aclose()
        if self.cluster:  # one that has lost a node has not closed the others
            await client.nodes_manager.aclose()
            await client.nodes_manager.aclose("startup_nodes")

    def forget(self) -> None:
        """Leave the connections to the event loop they were made in, which is gone."""
        self._made, self._scripts = None, {}
        self._turns = asyncio.Semaphore(_CONNECTIONS)


def entries_of(reply: Any) -> list[Entry]:
    """Return the entries in the reply to ``XRANGE``.

    Args:
        reply: As the ``redis`` package gives it.
    """
    return [(entry_id, next(iter(fields.values()))) for entry_id, fields in reply]
