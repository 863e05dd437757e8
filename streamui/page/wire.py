"""The ops of a frame: what the server tells a page about one stream.

A frame is ``{alias: op, …}``. The alias is a short number that stands for a stream's id on one
connection. An op is the appended text, or an object with some of these keys:

====== ==================================================================================
``i``  the stream's id: from now on the alias means this stream
``f``  with ``i``: the offset that ``a`` or ``p`` begin at; the page compares it with its own
``v``  the value, whole
``a``  appended: text, or a list of items
``p``  changes at paths, see :mod:`streamui.streamable.patch`
``o``  the offset after this op; left out where the page can count it
``s``  the terminal status: ``done``, ``error``, ``cancelled`` or ``interrupted``
``e``  why: ``{"code", "message", "reference"}``
====== ==================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from streamui.streamable.failure import LOST, Failure
from streamui.streamable.log import Change
from streamui.streamable.patch import bytes_of

Op = str | dict[str, Any]

_CONTENT_KEYS = {"append": "a", "patches": "p"}


def encode(change: Change, name: str | None = None) -> Op:
    """Write a change as an op.

    Args:
        change: What a log's ``read`` gave.
        name: The stream's id, when the page does not know the alias yet.
    """
    if change.kind == "append" and change.status == "streaming" and name is None:
        return change.content if isinstance(change.content, str) else {"a": change.content}
    op: dict[str, Any] = {} if name is None else {"i": name}
    if change.kind == "snapshot":
        op["v"] = change.content
    elif name is not None:
        op["f"] = change.start
    if change.kind in _CONTENT_KEYS:
        op[_CONTENT_KEYS[change.kind]] = change.content
    if change.kind in ("snapshot", "patches") or change.status != "streaming":
        op["o"] = change.offset
    if change.status != "streaming":
        op["s"] = change.status
        if change.failure is not None:
            op["e"] = change.failure.as_json()
    return op


def frame_bytes(frame: Mapping[str, Op]) -> int:
    """Return how many bytes a frame has as compact JSON; text, which most are, is fast to count.

    Args:
        frame: The ops by their aliases.
    """
    size = 1
    for alias, op in frame.items():
        size += 4 + len(alias)
        size += bytes_of(encode_basestring(op)) if isinstance(op, str) else bytes_of(op)
    return size


def is_opening(op: Op) -> bool:
    """Return whether an op only names a stream that has nothing in it yet.

    Args:
        op: An op of a frame.
    """
    return isinstance(op, dict) and "i" in op and not (op.get("v") or op.keys() & {"a", "p", "s"})


def broken(op: Op, failure: Failure) -> Op:
    """Write the op that ends a stream on a page in place of one that cannot be written.

    Args:
        op: The op that could not be written.
        failure: What the page may know of it.
    """
    name = {"i": op["i"]} if isinstance(op, dict) and "i" in op else {}
    return {**name, "s": "error", "e": failure.as_json()}


def lost(name: str, failure: Failure = LOST) -> Op:
    """Write the op for a stream that nobody knows, or that is not this page's to know.

    Args:
        name: The id that the page asked for.
        failure: What the page may know of it.
    """
    return {"i": name, "s": "interrupted", "e": failure.as_json()}
