"""The pieces of a streamed answer, whichever API it is for."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from streamui.models.demo.answer import Answer

NONSENSE = b'data: {"type": "response.output_text.delta", "delta": }{ nonsense \xe2\x82\n\n'
"""Neither JSON nor UTF-8."""

_ERRORS: dict[int, tuple[str, str]] = {
    400: ("invalid_request_error", "invalid_request"),
    401: ("authentication_error", "invalid_api_key"),
    403: ("permission_error", "permission_denied"),
    404: ("invalid_request_error", "not_found"),
    408: ("timeout_error", "timeout"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    503: ("server_error", "overloaded"),
    529: ("server_error", "overloaded"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of an answer.

    Attributes:
        data: One or more events.
        kind: A ``word`` of the text or of a call is paced, and faults are counted in them; a
            ``thought`` is only paced; a ``frame`` goes with what follows it.
    """

    data: bytes
    kind: Literal["frame", "thought", "word"]


class Wire(Protocol):
    """Writes the bytes of one streamed answer, in the order of the methods."""

    def opening(self) -> bytes:
        """Write what comes before any content."""
        ...

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        """Write the content: reasoning, text, calls."""
        ...

    def closing(self, answer: Answer) -> bytes:
        """Write the end of the stream."""
        ...

    def error(self, status: int, message: str, code: str = "") -> bytes:
        """Write an error in the middle of the stream."""
        ...


def error_body(status: int, message: str, code: str = "") -> dict[str, Any]:
    """Make the error object that goes with a status, for a whole answer or inside a stream.

    Args:
        status: An HTTP status of 400 or more.
        message: For people.
        code: In place of the usual.

    Returns:
        As OpenAI's: ``message``, ``type``, ``param``, ``code``.
    """
    fallback = (
        ("server_error", "server_error")
        if status >= 500
        else ("invalid_request_error", f"http_{status}")
    )
    kind, usual = _ERRORS.get(status, fallback)
    return {"message": message, "type": kind, "param": None, "code": code or usual}


def sse(event: str, data: dict[str, Any]) -> bytes:
    """Write one server-sent event.

    Args:
        event: Its name; ``""`` leaves the line out.
        data: Its JSON.
    """
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {compact(data)}\n\n".encode()


def compact(data: object) -> str:
    """Write JSON without a blank too many, in ASCII."""
    return json.dumps(data, separators=(",", ":"))


def new_id(prefix: str) -> str:
    """Make an id that nobody can guess.

    Args:
        prefix: What it names, such as ``resp``.
    """
    return f"{prefix}_{secrets.token_hex(24)}"
