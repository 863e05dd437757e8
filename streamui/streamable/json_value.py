"""What may be streamed: JSON, and what turns into JSON without a loss."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any, cast

from streamui.errors import NotJSONError

_ALLOWED = "text, numbers, bools, None, lists, dicts, pydantic models and dataclasses"
_SURROGATE = re.compile("[\ud800-\udfff]")


_EXACT = 2**53 - 1  # the largest integer that JavaScript holds exactly
DEEPEST = 128
"""Levels of lists and objects that a value may have, whoever writes it and wherever it goes."""


class Reference:
    """Something that travels as its own handle inside a value, such as a streamable."""

    __slots__ = ()

    def handle(self) -> dict[str, Any]:
        """Return the JSON that stands for it."""
        raise NotImplementedError


def clean_text(text: str) -> str:
    """Return the text with each lone surrogate replaced by U+FFFD.

    A surrogate pair that came as two code points becomes the one it means. Every reader gets
    this same string, because a lone surrogate has no UTF-8 form.

    Args:
        text: Any Python string.
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def to_json(value: Any, path: str = "$", levels: int = DEEPEST) -> Any:
    """Return a copy of a value that holds only JSON, and references as they are.

    Args:
        value: A JSON value; pydantic models and dataclasses become objects, tuples become
            lists.
        path: Where the value stands, for the error message.
        levels: How many levels of lists and objects it may have.

    Returns:
        A new tree that shares nothing mutable with ``value``.

    Raises:
        NotJSONError: If something in it is not JSON; the message names its type and path.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(str(value))
    if isinstance(value, int):
        if abs(value) > _EXACT:
            raise NotJSONError(
                f"{path} is an integer over 2**53, which no page can hold exactly; send it as text"
            )
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotJSONError(f"{path} is {value!r}, which is not a JSON number; use None")
        return float(value)
    if isinstance(value, Reference):
        return value
    return _container(value, path, levels)


def _container(value: Any, path: str, levels: int) -> Any:
    if levels <= 0:
        at = path if len(path) < 80 else f"{path[:40]}…"
        raise NotJSONError(f"{at} is nested too deeply (over {DEEPEST} levels), or holds itself")
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value)
        return [to_json(item, f"{path}[{index}]", levels - 1) for index, item in enumerate(items)]
    if isinstance(value, Mapping):
        return _object(cast("Mapping[Any, Any]", value), path, levels)
    if hasattr(value, "model_dump") and hasattr(cast("Any", type(value)), "model_fields"):
        return _object(_dumped(value, path), path, levels)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return _object({name: getattr(value, name) for name in names}, path, levels)
    raise NotJSONError(
        f"{path} is {_kind(value)}, which is not JSON; a streamable holds {_ALLOWED}"
    )


def _dumped(model: Any, path: str) -> dict[str, Any]:
    try:
        return model.model_dump(mode="json")
    except (ValueError, RecursionError) as cause:  # it holds itself, or what is no JSON
        raise NotJSONError(f"{path} is {_kind(model)} that cannot be written: {cause}") from None


def _object(value: Mapping[Any, Any], path: str, levels: int) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise NotJSONError(f"{path} has the key {key!r}, {_kind(key)}; JSON keys are strings")
        result[clean_text(key)] = to_json(item, f"{path}.{key}", levels - 1)
    return result


def _kind(value: Any) -> str:
    name = type(value).__qualname__
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"  # a UUID, a Union


def copy_json(value: Any) -> Any:
    """Return a copy of a tree that :func:`to_json` made, so that a caller may change it."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return {key: copy_json(item) for key, item in items.items()}
    if isinstance(value, list):
        return [copy_json(item) for item in cast("list[Any]", value)]
    return value
