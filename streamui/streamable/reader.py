"""Reading a streamable in Python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from streamui.errors import (
    NotStreamableError,
    StreamCancelledError,
    StreamInterruptedError,
    StreamNotFoundError,
    StreamUIError,
)
from streamui.streamable.base import Streamable, find_log, openers
from streamui.streamable.json_value import copy_json
from streamui.streamable.log import UNSET, Log


async def read_streamable(
    source: Streamable[Any] | dict[str, Any],
) -> AsyncGenerator[Any, None]:
    """Iterate over the values of a streamable as they are made.

    Every reader starts from the value there is now and then gets each newer one; one that is
    slower than the writer gets the latest and misses nothing, because a value holds all that
    was appended before it. Any number may read, at any time, also after the end.

    Follows ``readStreamableValue`` of ``@ai-sdk/rsc``.

    Args:
        source: A streamable, or the handle of one.

    Yields:
        The value, whole, whenever it has changed; nothing while it is unset.

    Raises:
        NotStreamableError: If ``source`` is neither.
        StreamNotFoundError: If the handle's stream is unknown or has expired.
        StoreUnavailableError: If the processes' shared store cannot be reached.
        StreamCancelledError: After the last value, if the stream was stopped.
        StreamInterruptedError: After the last value, if its producer went away.
        BaseException: After the last value, what was given to ``error()``, as it is.
    """
    given = cast("object", source)  # it comes from a user: it may be anything
    if isinstance(given, Streamable):
        log = cast("Streamable[Any]", given).log
    elif isinstance(given, dict) and "$stream" in given:
        handle = cast("dict[str, Any]", given)
        if "status" in handle and "held" not in handle:
            log = Streamable.from_handle(handle).log
        else:
            log = await _find(handle)
    else:
        kind = type(cast("Any", source)).__name__
        raise NotStreamableError(
            f"read_streamable() takes a StreamableValue or a handle, not {kind}"
        )
    async with aclosing(_values(log)) as values:
        async for value in values:
            yield value


async def _values(log: Log) -> AsyncGenerator[Any, None]:
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def wake(_: Log) -> None:
        if not changed.is_set():
            loop.call_soon_threadsafe(changed.set)

    log.listen(wake)
    try:
        offset = -1
        while True:
            changed.clear()
            change = log.read(offset)
            value = log.value
            if change.kind != "nothing" and value is not UNSET:
                yield copy_json(value)
            offset = change.offset
            if change.status != "streaming" and offset == log.offset:
                break
            await changed.wait()
    finally:
        log.unlisten(wake)
    _raise_end(log)


def _raise_end(log: Log) -> None:
    if log.status == "error":
        raise log.cause if log.cause is not None else _unknown(log)
    if log.status == "cancelled":
        raise StreamCancelledError("the stream was stopped before its end")
    if log.status == "interrupted":
        raise StreamInterruptedError("the stream's producer went away before its end")


def _unknown(log: Log) -> StreamUIError:
    failure = log.failure
    return StreamUIError(f"{failure.sentence} [{failure.reference}]" if failure else "failed")


async def _find(handle: dict[str, Any]) -> Log:
    name = str(handle["$stream"])
    if (found := find_log(name)) is not None:
        return found
    for opener in openers:
        return await opener(name)
    raise StreamNotFoundError("no stream with this id; it is unknown here or has expired")
