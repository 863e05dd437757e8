"""The connection to Redis: one server or a cluster, with the ``redis`` package's own clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, ResponseError

from streamui.store.redis.nodes import Cluster, Node, Single

_MOVED = (AskError, ClusterDownError, MovedError)
_BLOCK = 2.0  # seconds that a read waits for something new; well below what a command may take
_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster")

BATCH = 100
"""Streams in one call of a script, so that no other client of Redis waits long."""

GONE = (RedisError, OSError, asyncio.TimeoutError)
"""What is raised while Redis cannot be used."""

Entry = tuple[bytes, bytes]
"""An entry of a Redis Stream: its id, and the value of its one field."""


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
        self._nodes = self._meet()
        folder = Path(__file__).parent
        self._sources = {path.stem: path.read_text() for path in folder.glob("*.lua")}

    def _meet(self) -> Single | Cluster:
        return Cluster(self._url) if self.cluster else Single(self._url)

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
        async with self._node(keys[0]) as node, node.turns:
            call = node.script(self._sources[script])
            return cast("list[Any]", await call(keys=keys, args=arguments))

    async def do(self, name: str, key: str, *arguments: Any) -> Any:
        """Run one command."""
        async with self._node(key) as node, node.turns:
            return await node.client.execute_command(name, key, *arguments)

    async def do_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Run several commands in as few goes as there are nodes that they are for.

        Args:
            commands: Each with its name, one key, and its arguments.

        Returns:
            The answers; in place of those that a node did not give, one of :data:`GONE`.
        """
        parts: dict[Node | None, list[int]] = {}
        for number, command in enumerate(commands):
            node = None  # unless it is known
            with contextlib.suppress(*GONE):
                async with self._node(command[1]) as node:
                    pass
            parts.setdefault(node, []).append(number)
        answers: list[Any] = [RedisError("no node of the cluster answers")] * len(commands)

        async def ask(node: Node, numbers: list[int]) -> None:
            try:
                async with self._node(commands[numbers[0]][1]), node.turns:
                    pipeline = node.client.pipeline(transaction=False)
                    for number in numbers:
                        pipeline.execute_command(*commands[number])
                    found = await pipeline.execute()
            except GONE as error:
                found = [error] * len(numbers)
            for number, answer in zip(numbers, found, strict=True):
                answers[number] = answer

        await asyncio.gather(*(ask(node, numbers) for node, numbers in parts.items() if node))
        return answers

    async def read(
        self, cursors: dict[str, bytes], blocked: Callable[[], None]
    ) -> list[tuple[str, list[Entry]]]:
        """Wait for entries that come after given ones.

        Args:
            cursors: The last entry that is known, by key; all keys of one slot.
            blocked: Called right before it waits.
        """
        async with self._node(next(iter(cursors))) as node:
            blocked()
            reply = await node.client.execute_command(
                *("XREAD", "BLOCK", int(_BLOCK * 1000), "STREAMS"), *cursors, *cursors.values()
            )
        streams = cast("list[tuple[bytes, Any]]", reply or [])
        return [(key.decode(), entries_of(entries)) for key, entries in streams]

    @contextlib.asynccontextmanager
    async def _node(self, key: str) -> AsyncGenerator[Node, None]:
        try:
            yield await self._nodes.of(key)
        except GONE as error:
            if not isinstance(error, ResponseError) or isinstance(error, _MOVED):
                self._nodes.doubt()
            raise
        except Exception as error:
            # Whatever the client stumbles over, Redis cannot be used now. It is closed under
            # the hands of other tasks when one finds that its node has gone.
            raise RedisError(f"the client failed: {error!r}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._nodes.close()

    def forget(self) -> None:
        """Leave the connections to the event loop they were made in, which is gone."""
        self._nodes = self._meet()


def entries_of(reply: Any) -> list[Entry]:
    """Return the entries in the reply to ``XRANGE``.

    Args:
        reply: As the ``redis`` package gives it.
    """
    return [(entry_id, next(iter(fields.values()))) for entry_id, fields in reply]
