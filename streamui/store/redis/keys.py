"""The names of the keys in Redis, and which of them live together.

Everything about one stream carries its lane as hash tag, so that it lives in one slot of a
cluster, a script can touch all of it, and one blocked connection follows all streams of a lane.

=============================== ========================================================
``streamui:{<lane>}:<id>:log``  the changes, a Redis Stream; an entry's id is the offset
                                that it leads to
``…:<id>:head``                 a hash: ``owner``, ``top`` (the last offset), ``status``
``…:<id>:readers``              a sorted set: who may read and stop it, and since when
``…:wake:<owner>``              a Redis Stream that wakes a process's own blocked reader
``streamui:{<owner>}:lease``    exists while a process that makes streams is alive
``streamui:{orders}``           what all processes are told, a Redis Stream
=============================== ========================================================
"""

from __future__ import annotations

import zlib

LANES = 64
"""In how many slots the streams of an app live; another number finds none of the old ones."""

ORDERS = "streamui:{orders}"
"""The key of what all processes are told."""


def lane_of(name: str) -> str:
    """Return the lane that a stream lives in.

    Args:
        name: The stream's id, from wherever it came.
    """
    return str(zlib.crc32(name.encode("utf-8", "replace")) % LANES)


def log_key(name: str) -> str:
    """Return the key of a stream's changes."""
    return f"streamui:{{{lane_of(name)}}}:{name}:log"


def stream_keys(name: str) -> tuple[str, str, str]:
    """Return the keys of a stream's head, its changes and its readers."""
    stem = f"streamui:{{{lane_of(name)}}}:{name}"
    return f"{stem}:head", f"{stem}:log", f"{stem}:readers"


def lease_key(owner: str) -> str:
    """Return the key that exists while a process is alive."""
    return f"streamui:{{{owner}}}:lease"


def wake_key(lane: str, owner: str) -> str:
    """Return the key through which a process wakes its own reader of a lane."""
    return f"streamui:{{{lane}}}:wake:{owner}"
