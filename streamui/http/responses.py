"""Responses that stream: a streamable or any async iterable, for whoever reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamui.http.forms import EventStream, Lines, PlainText
from streamui.http.stream_response import StreamResponse


def sse_response(
    source: Any,
    *,
    offset: int | str | None = None,
    done: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> StreamResponse:
    """Make a response of server-sent events, for ``EventSource``, ``fetch`` or any other reader.

    What an async iterable yields is JSON in the data of an event: ``JSON.parse(event.data)``. A
    streamable's events, and how every stream ends, are in docs/http.md. A client that goes away
    closes an async iterable, and leaves a streamable and its run alone.

    Args:
        source: A streamable, its handle, or an async iterable of text, JSON values, bytes of
            UTF-8, events of a model, or :class:`~streamui.ServerSentEvent`. Whoever can send the
            request gets it: a handle that came from a client is not checked here.
        offset: Of a streamable: what the client has, as its ``Last-Event-ID`` header says. What
            is no offset is answered with 400.
        done: Data to end with when all went well, such as ``[DONE]``, in place of the ``done``
            event.
        headers: More headers of the response.

    Raises:
        NotStreamableError: If ``source`` is none of these.

    Example:
        async def count(request):
            return ui.sse_response({"count": number} async for number in numbers())
    """
    return StreamResponse(source, lambda: EventStream(done), offset=offset, headers=headers)


def ndjson_response(
    source: Any, *, offset: int | str | None = None, headers: Mapping[str, str] | None = None
) -> StreamResponse:
    """Make a response of newline-delimited JSON: the data of :func:`sse_response`, line by line.

    An empty line is a sign of life, and no value. The last line is ``{"status": …}``.

    Args:
        source: See :func:`sse_response`.
        offset: See :func:`sse_response`.
        headers: More headers of the response.

    Raises:
        NotStreamableError: If ``source`` cannot be streamed.
    """
    return StreamResponse(source, Lines, offset=offset, headers=headers)


def text_response(source: Any, *, headers: Mapping[str, str] | None = None) -> StreamResponse:
    """Make a response of plain text, and nothing but the text.

    Only a proper end of the response says that it is complete: where the source fails or is
    stopped, or text is replaced that has been sent, the response breaks off.

    Args:
        source: A streamable of text, its handle, or an async iterable of text, bytes or events
            of a model, of which it takes the text.
        headers: More headers of the response.

    Raises:
        NotStreamableError: If ``source`` cannot be streamed.
    """
    return StreamResponse(source, PlainText, headers=headers)
