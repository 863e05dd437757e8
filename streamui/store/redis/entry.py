"""One change of a stream as Redis has it: JSON, with the references in it as mirrors can read them.

========== ==============================================================================
``from``   the offset that it begins at; left out of an end that somebody else wrote
``append`` text or items
``patches`` changes at paths
``value``  the value, whole; ``base`` with it, see :class:`streamui.streamable.log.Change`
``status`` how the stream ended, and ``error`` why
``mark``   the key of an object that stands for another stream; random, so that no content
           can pass for one
========== ==============================================================================
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any, cast

from streamui.streamable.base import Streamable
from streamui.streamable.failure import Failure
from streamui.streamable.log import UNSET, Change

_MARK = secrets.token_hex(8)
_KINDS = {"append": "append", "patches": "patches", "snapshot": "value"}

Meet = Callable[[Streamable[Any]], None]
Resolve = Callable[[dict[str, Any]], Streamable[Any]]


def encode(change: Change, meet: Meet) -> str:
    """Write a change as an entry.

    Args:
        change: What a log's ``read`` gave.
        meet: Called with each other stream that the content refers to.
    """
    entry: dict[str, Any] = {"from": change.start}
    if change.kind != "nothing":
        entry[_KINDS[change.kind]] = change.content
    if change.base is not None:
        entry["base"] = change.base
    if change.status != "streaming":
        entry["status"] = change.status
        if change.failure is not None:
            entry["error"] = change.failure.as_json()
    met: list[Streamable[Any]] = []

    def write(reference: object) -> dict[str, Any]:
        met.append(streamable := cast("Streamable[Any]", reference))
        return {_MARK: streamable.handle() | {"kind": type(streamable).__name__}}

    text = _text(entry, write)
    if met:
        for streamable in met:
            meet(streamable)
        text = _text({**entry, "mark": _MARK}, write)
    return text


def end_entry(status: str, failure: Failure) -> str:
    """Write the entry of an end that is not the maker's own.

    Args:
        status: How it ends.
        failure: Why.
    """
    return _text({"status": status, "error": failure.as_json()})


def decode(entry_id: bytes, entry: bytes, resolve: Resolve) -> Change:
    """Read an entry.

    Args:
        entry_id: Its id in the Redis Stream: ``<offset>-<number>``.
        entry: What :func:`encode` wrote.
        resolve: Gives the streamable for a handle that is inside, with its ``kind``.
    """
    offset = int(entry_id.partition(b"-")[0])
    read: dict[str, Any] = json.loads(entry)
    mark = read.get("mark")
    if mark is not None:

        def revive(found: dict[str, Any]) -> Any:
            return resolve(found[mark]) if len(found) == 1 and mark in found else found

        read = json.loads(entry, object_hook=revive)
    failure = Failure.from_json(read.get("error"))
    status = read.get("status", "streaming")
    start = max(read.get("from", offset - 1), 0)
    if "value" in read:
        base = (read["base"][0], read["base"][1]) if "base" in read else None
        return Change(start, offset, "snapshot", read["value"], status, failure, base)
    if "append" in read:
        return Change(start, offset, "append", read["append"], status, failure)
    if "patches" in read:
        return Change(start, offset, "patches", read["patches"], status, failure)
    return Change(start, offset, "nothing", UNSET, status, failure)


def _text(entry: dict[str, Any], write: Callable[[object], Any] | None = None) -> str:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=write)
