"""Numbers that a JSON schema allows: within bounds, in steps."""

from __future__ import annotations

import math
from typing import Any

from streamui.models.demo.schema import Schema
from streamui.models.demo.talk import InvalidError


def number(value: Any, schema: Schema, whole: bool) -> int | float:
    """Move a number to where a schema allows it.

    Args:
        value: Preferred; anything but a number is none.
        schema: With its bounds and ``multipleOf``.
        whole: Whether it must be an integer.

    Raises:
        InvalidError: There is no such number.
    """
    step = schema.get("multipleOf")
    grain: float = step if step and (not whole or float(step).is_integer()) else 1 if whole else 0
    low, high = _bounds(schema, grain or 1e-6)
    wanted: float = value if isinstance(value, int | float) else 1
    found = min(max(wanted, low), high)
    if grain:
        steps = found / grain
        found = round(steps) * grain
        if found < low:
            found = math.ceil(steps - 1e-9) * grain
        elif found > high:
            found = math.floor(steps + 1e-9) * grain
    elif found != wanted and math.isfinite(high - low):
        found = (low + high) / 2
    if not low <= found <= high:
        raise InvalidError("Invalid schema: no number is within its bounds.")
    if whole or (isinstance(found, float) and found.is_integer() and isinstance(value, int)):
        return int(found)
    return found


def _bounds(schema: Schema, nudge: float) -> tuple[float, float]:
    low: float = schema.get("minimum", -math.inf)
    high: float = schema.get("maximum", math.inf)
    if "exclusiveMinimum" in schema:
        low = max(low, _beyond(schema["exclusiveMinimum"], nudge, high))
    if "exclusiveMaximum" in schema:
        high = min(high, _beyond(schema["exclusiveMaximum"], -nudge, low))
    return low, high


def _beyond(bound: float, nudge: float, other: float) -> float:
    """Step over an exclusive bound, but not over the opposite one."""
    if math.isfinite(other) and abs(other - bound) < abs(nudge):
        return (bound + other) / 2
    return bound + nudge
