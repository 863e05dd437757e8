"""How things are written: as server-sent events, as lines of JSON, as JSON text."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from streamui.errors import ProtocolError
from streamui.http.event import ServerSentEvent
from streamui.store.store import store
from streamui.streamable.base import Streamable
from streamui.streamable.json_value import clean_text

_LINE_END = re.compile("\r\n|\r|\n")
_NOT_IN_A_FIELD = re.compile("[\r\n\0]")
# Line ends to some, among them Python's str.splitlines, though not to the standards. JSON text
# has them within strings only, where their escapes mean the same.
_MISTAKEN = [(each, f"\\u{ord(each):04x}") for each in "\x85\u2028\u2029"]


def encode_json(value: Any) -> str:
    """Write a value as JSON on one line, for whatever takes that for a line.

    Args:
        value: A JSON value; a streamable in it is written as its handle, and can be found by its
            id from then on.

    Raises:
        ValueError: If it holds a number that JSON has no form for.
        TypeError: If it holds something else that is not JSON.
    """
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_handle
    )
    if not text.isascii():
        for character, escape in _MISTAKEN:
            text = text.replace(character, escape)
    return text


def encode_event(event: ServerSentEvent) -> bytes:
    """Write an event so that a reader of the standard gets it back as it is.

    Args:
        event: Each CR, LF and CRLF in its data is a line end, which a reader gets as LF: what
            must stay the same to the byte goes there as JSON. A type of ``message`` and an empty
            id are left out.

    Raises:
        ProtocolError: If its id or its type holds CR, LF or NUL, which the format has no form
            for, or its ``retry`` is no number of zero or more.
    """
    lines: list[str] = []
    if event.event not in ("", "message"):
        lines.append(f"event: {_field('type', event.event)}")
    if event.id:
        lines.append(f"id: {_field('id', event.id)}")
    if event.retry is not None:
        lines.append(encode_retry(event.retry))
    lines += [f"data: {line}" for line in _LINE_END.split(clean_text(event.data))]
    return "\n".join([*lines, "", ""]).encode()


def encode_retry(milliseconds: int) -> str:
    """Write the line that says how long to wait before connecting again.

    Args:
        milliseconds: How long.

    Raises:
        ProtocolError: If it is no number of zero or more.
    """
    if milliseconds < 0:
        raise ProtocolError(f"retry must be zero or more milliseconds, not {milliseconds}")
    return f"retry: {milliseconds:d}"


def encode_line(value: Any) -> bytes:
    """Write a value as a line of newline-delimited JSON.

    Args:
        value: See :func:`encode_json`.
    """
    return f"{encode_json(value)}\n".encode()


def _field(name: str, value: str) -> str:
    if found := _NOT_IN_A_FIELD.search(value):
        raise ProtocolError(f"the {name} of an event holds {found[0]!r}, which it must not")
    return clean_text(value)


def _handle(value: object) -> Any:
    if not isinstance(value, Streamable):
        raise TypeError(f"{type(value).__qualname__} is not JSON")
    streamable = cast("Streamable[Any]", value)
    if streamable.streaming:
        store.add(streamable.id, streamable.log)
    return streamable.handle()
