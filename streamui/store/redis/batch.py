"""Calls of the scripts for many streams at once, all of one slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from streamui.store.redis.entry import end_entry
from streamui.store.redis.keys import stream_keys
from streamui.store.redis.publication import Draft, Publication
from streamui.store.redis.server import BATCH, Server
from streamui.store.redis.times import kept, retained
from streamui.streamable.failure import Failure
from streamui.streamable.log import Status

_SIZE = 262_144  # characters in one call, unless a single stream has more


class Batch:
    """Drafts that are written together."""

    def __init__(self) -> None:
        self._drafts: list[tuple[Publication, Draft]] = []
        self._size = 0

    @property
    def full(self) -> bool:
        """Whether another call is better for what is left."""
        return len(self._drafts) == BATCH or self._size > _SIZE

    def add(self, publication: Publication, draft: Draft) -> None:
        """Take one more."""
        self._drafts.append((publication, draft))
        self._size += len(draft.entry) + len(draft.whole)

    async def write(self, server: Server, owner: str) -> list[tuple[Publication, Draft, str, int]]:
        """Write them, and return what ``write.lua`` answered to each.

        Raises:
            RedisError: Or another of ``GONE``.
        """
        if not self._drafts:
            return []
        keys = [key for publication, _ in self._drafts for key in stream_keys(publication.name)]
        arguments: list[Any] = [owner, kept(), retained()]
        for _, draft in self._drafts:
            arguments += draft.arguments
        answers = await server.run("write", keys, arguments)
        return [
            (publication, draft, *_pair(answers, number))
            for number, (publication, draft) in enumerate(self._drafts)
        ]


async def end_streams(
    server: Server, streams: Sequence[tuple[str, str]], status: Status, failure: Failure
) -> list[tuple[str, int]]:
    """End streams for all processes; the first to do so does it.

    Args:
        server: Where they are.
        streams: Their ids, each with who is believed to make it.
        status: How they end.
        failure: Why.

    Returns:
        The status of each now, ``absent`` if nobody has it, and its offset.

    Raises:
        RedisError: Or another of ``GONE``.
    """
    entry = end_entry(status, failure)
    found: list[tuple[str, int]] = []
    for begin in range(0, len(streams), BATCH):
        part = streams[begin : begin + BATCH]
        keys = [key for name, _ in part for key in stream_keys(name)]
        owners = [owner for _, owner in part]
        answers = await server.run("end", keys, [entry, status, retained(), *owners])
        found += [_pair(answers, number) for number in range(len(part))]
    return found


def _pair(answers: list[Any], number: int) -> tuple[str, int]:
    status, offset = cast("list[bytes]", answers[2 * number : 2 * number + 2])
    return status.decode(), int(offset)
