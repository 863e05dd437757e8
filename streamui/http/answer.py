"""What a server answers when it is asked for an event stream."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from streamui.errors import ProtocolError, StreamConnectionError, StreamNotFoundError
from streamui.http.backoff import read_retry_after

# Not TransportError's own name: streamui loads neither library, and the caller may use either.
_LIBRARIES = ("httpx", "httpx2")
_FINAL = frozenset(
    ("DecodingError", "InvalidURL", "LocalProtocolError", "TooManyRedirects", "UnsupportedProtocol")
)


class ConnectionLostError(Exception):
    """The connection was cut, or never came about; its cause says how."""


def is_passing(status: int) -> bool:
    """Return whether a server that answers so may answer otherwise in a moment.

    Args:
        status: A status of HTTP.
    """
    return status in (408, 425, 429) or (status >= 500 and status not in (501, 505))


def check(response: Any) -> bool:
    """Make sure that a response is an event stream.

    Args:
        response: Of ``httpx`` or ``httpx2``.

    Returns:
        False for 204: the server has nothing (more) to say.

    Raises:
        StreamNotFoundError: For 404 and 410.
        StreamConnectionError: For every other status that is not 200; it is in ``status``.
        ProtocolError: If it is something else than an event stream, such as a web page.
    """
    status: int = response.status_code
    if status == 204:
        return False
    if status in (404, 410):
        raise StreamNotFoundError(f"the server of the stream answered {status}")
    if status != 200:
        raise StreamConnectionError(
            f"the server of the stream answered {status}",
            status=status,
            retry_after=read_retry_after(response.headers.get("retry-after", "")),
        )
    kind = str(response.headers.get("content-type", "")).partition(";")[0].strip()
    if kind.lower() != "text/event-stream":
        raise ProtocolError(f"{kind[:100] or 'no content type'!r} instead of text/event-stream")
    return True


@asynccontextmanager
async def failures() -> AsyncGenerator[None]:
    """Make what ``httpx`` and ``httpx2`` raise one of two errors.

    Raises:
        ConnectionLostError: The connection failed; another may not.
        ProtocolError: The request or the response is of no use, and will not be.
    """
    try:
        yield
    except Exception as error:
        for name in _LIBRARIES:
            library: Any = sys.modules.get(name)
            if library is None or not isinstance(error, library.RequestError | library.InvalidURL):
                continue
            kind = type(error).__name__
            if kind in _FINAL:
                raise ProtocolError(f"the stream cannot be asked for or read: {kind}") from error
            raise ConnectionLostError(kind) from error
        raise
