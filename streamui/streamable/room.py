"""How large a value may become.

What only grows (text, a list that gets items) is sent in pieces, and may be large. An object, one
item of a list, and a list that is changed inside are sent in one piece, and may not.
"""

from __future__ import annotations

import math
from typing import Any, cast

from streamui.errors import LimitError
from streamui.settings import settings
from streamui.streamable.patch import bytes_of


def most_bytes() -> float:
    """Return how many bytes a value may have."""
    return settings.value_bytes or math.inf


def check_value(value: Any) -> int:
    """Return the bytes of a value that is to be set.

    Args:
        value: A tree that :func:`to_json` made.

    Raises:
        LimitError: If that is more than ``settings.value_bytes``, or if an object in it is
            larger than ``settings.object_bytes``.
    """
    size = bytes_of(value)
    if size > most_bytes():
        raise LimitError("value_bytes", settings.value_bytes)
    if isinstance(value, dict):
        check_piece(size)
    elif isinstance(value, list):
        _check_each(cast("list[Any]", value), size)
    return size


def check_items(items: list[Any]) -> int:
    """Return the bytes that items add to a list.

    Raises:
        LimitError: If one of them is larger than ``settings.object_bytes``.
    """
    size = bytes_of(items) - 1  # no brackets, one more comma
    _check_each(items, size)
    return size


def check_piece(size: int) -> None:
    """Check what is sent in one piece.

    Args:
        size: Its bytes.

    Raises:
        LimitError: If they are more than ``settings.object_bytes``.
    """
    if 0 < settings.object_bytes < size:
        raise LimitError("object_bytes", settings.object_bytes)


def _check_each(items: list[Any], size: int) -> None:
    if 0 < settings.object_bytes < size:
        for item in items:
            check_piece(bytes_of(item))
