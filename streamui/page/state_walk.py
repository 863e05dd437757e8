"""Finding the streamables that a page's state holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from streamui.streamable.base import Streamable


def find_streamables(root: Any, names: set[str] | None = None) -> Iterator[Streamable[Any]]:
    """Walk a state and its substates for streamables.

    Args:
        root: The state to begin at.
        names: The ids to look for; all by default.

    Yields:
        Each one found, wherever it is: in a variable, a list, a dict, a dataclass, a model, the
        value of another one.
    """
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        state = waiting.pop()
        waiting.extend(state.substates.values())
        # A field that was never touched is not in there, and holds nothing of this page.
        fields = type(state).get_fields()
        for value in [value for name, value in vars(state).items() if name in fields]:
            for found in _inside(value, seen):
                if names is None or found.id in names:
                    yield found


def _inside(value: Any, seen: set[int]) -> Iterator[Streamable[Any]]:
    if value is None or isinstance(value, str | int | float) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Streamable):
        yield value
        inner: Any = (value.log.own_value,)  # there may be others inside
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        inner = value
    elif dataclasses.is_dataclass(value):
        inner = [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    elif hasattr(type(value), "model_fields"):
        inner = vars(value).values()
    else:
        return
    for item in list(inner):
        yield from _inside(item, seen)
