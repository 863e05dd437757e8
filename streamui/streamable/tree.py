"""Applying a patch to a JSON value."""

from __future__ import annotations

from typing import Any

from streamui.streamable.patch import Patch


def apply_patch(value: Any, patch: Patch) -> Any:
    """Apply one patch in place.

    Args:
        value: A tree that nobody else changes.
        patch: See :mod:`streamui.streamable.patch`.

    Returns:
        The value; a new one when the patch is at the root of something immutable.

    Raises:
        LookupError: If the path is not there.
    """
    path, verb = patch[0], patch[1]
    if not path:
        return _change(value, verb, patch[2])
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    last = path[-1]
    if verb == "-":
        del holder[last]
    elif verb == "=":
        holder[last] = patch[2]
    else:
        holder[last] = _change(holder[last], verb, patch[2])
    return value


def _change(value: Any, verb: str, argument: Any) -> Any:
    if verb == "=":
        return argument
    if verb == "<":
        del value[argument:]
        return value
    if isinstance(value, str):
        return value + argument
    value.extend(argument)
    return value
