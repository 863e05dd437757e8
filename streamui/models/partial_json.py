"""As much of a JSON text as is certain while the rest of it is still being written.

The parser is pydantic's, which takes text that ends anywhere. What it would tell too early is left
out here: a number that may go on (``1`` of ``12``).
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from pydantic_core import from_json

from streamui.streamable.log import UNSET

_SPACE = "\ufeff \t\r\n"
_NUMBER = "0123456789+-.eE"
_FENCE = re.compile(r"^```[\w-]*[ \t]*\r?\n", re.MULTILINE)


def json_part(text: str) -> str:
    """Return the part of an answer that is JSON, as far as it has come.

    A model that nobody holds to JSON tends to put it into a fence, and to say something about it.

    Args:
        text: The answer.
    """
    text = text.lstrip(_SPACE)
    if not text.startswith(("{", "[")) and (fence := _FENCE.search(text)):
        text = text[fence.end() :].partition("\n```")[0].lstrip(_SPACE)
    return text.rstrip(_SPACE)


def whole_json(text: str) -> Any:
    """Parse a text that is all there.

    Args:
        text: JSON, without ``NaN`` and ``Infinity``. Of a key that comes twice the last counts.

    Raises:
        ValueError: It is no JSON, or nested over 200 levels.
    """
    return from_json(text, allow_inf_nan=False)


def partial_json(text: str) -> Any:
    """Parse the beginning of a text.

    Args:
        text: The beginning of JSON.

    Returns:
        What it says: text as far as it has come, numbers and words when they are complete;
        ``UNSET`` while that is nothing, or when it cannot become JSON any more.
    """
    try:
        return _parse(text.rstrip(_NUMBER) if _ends_in_number(text) else text)
    except ValueError:
        return UNSET


def complete_items(text: str, closing: str) -> Any:
    """Parse the beginning of a list, if it ends with a complete item.

    Args:
        text: The beginning of JSON.
        closing: What would close the list and what it is in, such as ``]}``.

    Returns:
        What the text is when it is closed there, or ``None``: it ends inside of an item.
    """
    if text[-1:].isdigit():  # it may go on
        return None
    for rest in (closing, closing[1:], ""):  # as much of it may be there already
        with suppress(ValueError):
            return whole_json(text.rstrip(_SPACE + ",") + rest)
        if not text.endswith(("]", "}")):
            break
    return None


def _ends_in_number(text: str) -> bool:
    if not text[-1:].isdigit():
        return False
    try:
        _parse(text + "\x01")
    except ValueError:  # which a control character makes inside of a text, and only there
        return False
    return True


def _parse(text: str) -> Any:
    return from_json(text, allow_inf_nan=False, allow_partial="trailing-strings")
