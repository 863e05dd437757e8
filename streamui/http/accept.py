"""Choosing a form by what a client says it accepts (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from streamui.http.forms import Form

F = TypeVar("F", bound=type[Form])
_LONGEST, _MOST = 2_048, 32  # characters, and entries among them, that are looked at


def choose(accept: str | None, forms: Sequence[F]) -> F | None:
    """Return the form that a client likes best.

    Args:
        accept: Its ``Accept`` header; none accepts anything. Of a very long one the beginning
            counts: it is read before it is known whether the client may ask at all.
        forms: What there is, in the order of preference among equals.

    Returns:
        ``None`` if it accepts none of them.
    """
    if accept is None or not accept.strip():
        return forms[0]
    entries = accept[:_LONGEST].split(",", _MOST)
    if len(accept) > _LONGEST and len(entries) <= _MOST:
        entries.pop()  # it may be cut in two
    ranges = [_range(each) for each in entries[:_MOST]]
    best = max(forms, key=lambda form: _quality(form.media_type, ranges))
    return best if _quality(best.media_type, ranges) > 0 else None


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """Return how much a type is liked: what names it most closely decides."""
    general = f"{media_type.partition('/')[0]}/*"
    for wanted in (media_type, general, "*/*"):
        found = [quality for name, quality in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0


def _range(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _number(value.strip())
    return name, 1.0


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0 <= number <= 1 else 0.0
