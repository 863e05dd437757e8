"""Changes at a path: what differs between two JSON values, and how to apply it.

A patch is a list ``[path, verb, argument]``. ``path`` is a list of keys and indices from the
root. The verbs: ``"="`` set to the argument, ``"+"`` append the argument (text to text, items
to a list), ``"-"`` remove the key (no argument), ``"<"`` cut a list to the argument's length.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any, cast

Patch = list[Any]


def _stand_in(reference: object) -> str:
    return "x" * 36


_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_stand_in).encode


def size_of(value: Any) -> int:
    """Return how many characters a value has as JSON; a reference counts as its handle's id."""
    return len(_write(value))


def bytes_of(value: Any) -> int:
    """Return how many bytes of UTF-8 text takes as it is, and any other value as JSON.

    One that cannot be written counts as none: it fails where it is sent, not where it is counted.
    """
    try:
        # Most writes are of a number, or of one text to a list: no encoder for those.
        if type(value) is int:
            return len(str(value))
        if type(value) is list and len(items := cast("list[Any]", value)) == 1:
            if type(item := items[0]) is str:
                return 2 + bytes_of(encode_basestring(item))
            return 2 + bytes_of(item)
        text = value if isinstance(value, str) else _write(value)
        return len(text) if text.isascii() else len(text.encode())
    except (ValueError, TypeError, RecursionError):
        return 0


def same(old: Any, new: Any) -> bool:
    """Return whether two values are the same JSON; unlike ``==``, ``True`` is not ``1``."""
    if old is new:
        return True
    if isinstance(old, bool) or isinstance(new, bool):
        return False
    if isinstance(old, dict) and isinstance(new, dict):
        a, b = cast("dict[str, Any]", old), cast("dict[str, Any]", new)
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(old, list) and isinstance(new, list):
        c, d = cast("list[Any]", old), cast("list[Any]", new)
        return len(c) == len(d) and all(map(same, c, d))
    return isinstance(old, str | int | float) and isinstance(new, str | int | float) and old == new


def diff(old: Any, new: Any) -> list[Patch] | None:
    """Return the patches that turn one value into another.

    Args:
        old: What readers have.
        new: What they shall have.

    Returns:
        The patches, none if nothing differs; ``None`` if sending ``new`` whole is smaller.
    """
    patches: list[Patch] = []
    _walk(old, new, [], patches)
    if not patches:
        return []
    if any(not patch[0] and patch[1] == "=" for patch in patches):
        return None
    return patches if size_of(patches) < size_of(new) else None


def _walk(old: Any, new: Any, path: list[Any], patches: list[Patch]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        _walk_object(cast("dict[str, Any]", old), cast("dict[str, Any]", new), path, patches)
    elif isinstance(old, list) and isinstance(new, list):
        _walk_list(cast("list[Any]", old), cast("list[Any]", new), path, patches)
    elif isinstance(old, str) and isinstance(new, str) and old and new.startswith(old):
        if len(new) > len(old):
            patches.append([path, "+", new[len(old) :]])
    elif not same(old, new):
        patches.append([path, "=", new])


def _walk_object(
    old: dict[str, Any], new: dict[str, Any], path: list[Any], patches: list[Patch]
) -> None:
    patches.extend([[*path, key], "-"] for key in old if key not in new)
    for key, item in new.items():
        if key in old:
            _walk(old[key], item, [*path, key], patches)
        else:
            patches.append([[*path, key], "=", item])


def _walk_list(old: list[Any], new: list[Any], path: list[Any], patches: list[Patch]) -> None:
    if len(new) < len(old):
        patches.append([path, "<", len(new)])
    for index in range(min(len(old), len(new))):
        _walk(old[index], new[index], [*path, index], patches)
    if len(new) > len(old):
        patches.append([path, "+", new[len(old) :]])
