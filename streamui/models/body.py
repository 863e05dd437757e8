"""The HTTP response under a stream of the ``openai`` package: the one file that touches it."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any, cast

from streamui.errors import ModelError

_BOM = b"\xef\xbb\xbf"
_LONGEST = 1_000_000
"""Bytes of a request that is read for the model's name, which takes some ten milliseconds."""


def response_of(stream: object) -> Any | None:
    """Find the HTTP response that a stream reads.

    Args:
        stream: What the SDK returned, or anything else.

    Returns:
        The ``httpx2`` or ``httpx`` response; ``None`` when there is none.
    """
    stream = _raw(stream)
    response = getattr(stream, "response", None) or getattr(stream, "_response", None)
    return response if hasattr(response, "is_closed") else None


def client_of(stream: object) -> Any | None:
    """Find the client that made a stream.

    Args:
        stream: What the SDK returned, or anything else.

    Returns:
        The ``openai`` client, blocking or async; ``None`` when there is none.
    """
    raw = getattr(stream, "_raw_stream", None) or _raw(stream)
    client = getattr(raw, "_client", None)
    return client if hasattr(client, "responses") else None


def run_of(stream: object) -> tuple[str, str] | None:
    """Read which run of an Assistants thread a stream is of, as far as its request says it.

    Args:
        stream: What the SDK returned, or anything else.

    Returns:
        The ids of the thread and of the run, each ``""`` when the request begins it; ``None``
        when the stream is of another API.
    """
    request = getattr(response_of(stream), "request", None)
    if request is None:
        return None
    before, found, path = str(request.url.path).rpartition("/threads/")
    parts = path.split("/")
    if not found or not before:
        return None
    if parts == ["runs"]:
        return "", ""
    if parts[1:] == ["runs"]:
        return parts[0], ""
    if parts[1:2] == ["runs"] and parts[3:] == ["submit_tool_outputs"]:
        return parts[0], parts[2]
    return None


def retrieved_id(stream: object) -> str | None:
    """Tell a response that is had again from one that was asked for.

    Args:
        stream: What the SDK returned, or anything else.

    Returns:
        The id of the response that ``responses.retrieve`` was called with; else ``None``.
    """
    request = getattr(response_of(stream), "request", None)
    if request is None or request.method != "GET":
        return None
    before, _, id = request.url.path.rpartition("/responses/")
    return id if before and id and "/" not in id else None


def starts_after(stream: object) -> int | None:
    """Read where in a response a stream of it begins.

    Args:
        stream: What the SDK returned, or anything else.

    Returns:
        The ``starting_after`` that it was asked for with; ``None`` when it is all of it.
    """
    given = getattr(stream, "_starting_after", None)
    if given is None:
        request = getattr(response_of(stream), "request", None)
        given = request.url.params.get("starting_after") if request is not None else None
    return int(given) if given is not None and str(given).isdecimal() else None


def request_of(source: object) -> Any | None:
    """Find the HTTP request that a stream, or an error about one, goes back to.

    Args:
        source: What the SDK returned or raised, or anything else.

    Returns:
        The ``httpx2`` or ``httpx`` request; ``None`` when there is none.
    """
    if isinstance(source, BaseException) and not hasattr(source, "request"):
        source = source.__cause__
    request = None
    with suppress(RuntimeError):  # a response that was made without one
        request = getattr(response_of(source) or source, "request", None)
    return request if hasattr(request, "url") else None


def requested_model(request: Any) -> str:
    """Read which model a request asks for, and nothing else of it.

    Args:
        request: From :func:`request_of`.

    Returns:
        The model's name; ``""`` where there is none, or it is too long to look for.
    """
    try:
        content: bytes = request.content
        body: Any = json.loads(content) if len(content) <= _LONGEST else None
    except (RuntimeError, ValueError, RecursionError):  # a stream; no JSON
        return ""
    model: Any = cast("dict[str, Any]", body).get("model") if isinstance(body, dict) else None
    return model[:100] if isinstance(model, str) else ""


def seconds_taken(source: object) -> float | None:
    """Return the seconds from sending a request to the end of its response, if it has ended.

    Args:
        source: What the SDK returned.
    """
    try:
        return response_of(source).elapsed.total_seconds()  # pyright: ignore[reportOptionalMemberAccess]
    except (AttributeError, RuntimeError):
        return None


def _raw(stream: object) -> object:
    """Find the stream inside of an Assistants helper, which hides it."""
    for name in ("_AsyncAssistantEventHandler__stream", "_AssistantEventHandler__stream"):
        if (raw := getattr(stream, name, None)) is not None:
            return raw
    return stream


def strip_bom(response: Any) -> None:
    """Let a response begin after its byte order mark, as the standard for events says.

    The SDK (3.51) takes the mark for a part of the first field's name, and so loses the first
    event without a word. It asks the response for its bytes when it is first read, so a
    method put before that is the one it calls.

    Args:
        response: From :func:`response_of`, not yet read.
    """
    if hasattr(response, "aiter_bytes"):
        response.aiter_bytes = _without_bom_async(response.aiter_bytes)
    if hasattr(response, "iter_bytes"):
        response.iter_bytes = _without_bom(response.iter_bytes)


def check_kind(response: Any) -> None:
    """Make sure that a response is no web page, as a captive portal or a proxy sends.

    Args:
        response: From :func:`response_of`.

    Raises:
        ModelError: ``malformed``: it is one.
    """
    kind = content_type(response)
    if kind in ("text/html", "application/xhtml+xml"):
        raise ModelError(f"{kind} instead of a stream of events", code="malformed")


def content_type(response: Any) -> str:
    """Read what a response says it is, without parameters.

    Args:
        response: From :func:`response_of`.

    Returns:
        Such as ``text/event-stream``; ``""`` when it does not say.
    """
    headers: Any = getattr(response, "headers", None)
    kind = str(headers.get("content-type", "")) if headers else ""
    return kind.partition(";")[0].strip().lower()


def hang_up(response: Any) -> None:
    """End the connection of a response that another thread is reading.

    Closing a socket does not wake a thread that waits for its bytes; shutting it down does.

    Args:
        response: From :func:`response_of`.
    """
    if response.is_closed:
        return
    network = getattr(response, "extensions", {}).get("network_stream")
    if network is None:
        return
    with suppress(OSError, ValueError):
        connection = network.get_extra_info("socket")
        if connection is not None:
            connection.shutdown(socket.SHUT_RDWR)


def _without_bom_async(
    read: Callable[..., AsyncIterator[bytes]],
) -> Callable[..., AsyncIterator[bytes]]:
    async def aiter_bytes(*args: Any, **options: Any) -> AsyncIterator[bytes]:
        head: bytes | None = b""
        async for chunk in read(*args, **options):
            if head is None:
                yield chunk
                continue
            head += chunk
            if not _undecided(head):
                yield head.removeprefix(_BOM)
                head = None
        if head:
            yield head

    return aiter_bytes


def _without_bom(read: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    def iter_bytes(*args: Any, **options: Any) -> Iterator[bytes]:
        head: bytes | None = b""
        for chunk in read(*args, **options):
            if head is None:
                yield chunk
                continue
            head += chunk
            if not _undecided(head):
                yield head.removeprefix(_BOM)
                head = None
        if head:
            yield head

    return iter_bytes


def _undecided(head: bytes) -> bool:
    return len(head) < len(_BOM) and _BOM.startswith(head)
