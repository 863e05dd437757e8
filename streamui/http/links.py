"""Links to streams, for those who have no page of the app."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode

from streamui.errors import NotStreamableError
from streamui.http.site import site
from streamui.server.access import sign_link
from streamui.store.store import store
from streamui.streamable.base import Streamable

_TEN_YEARS = 10 * 366 * 86_400
TOKEN = "token"
"""The parameter that carries what is signed."""


def stream_url(streamable: Streamable[Any], expires: float = 3600) -> str:
    """Return a link to a stream, for ``EventSource``, curl, another service or another person.

    Whoever has it can read the stream, and stop it. It needs ``ui.routes()``, see docs/http.md.

    Args:
        streamable: What to read.
        expires: Seconds until the link is of no use; what reads by it is closed then.

    Returns:
        A path, with the backend's address before it where pages have another address.

    Raises:
        NotStreamableError: If ``streamable`` is none.
        ValueError: If ``expires`` is no number, or more than ten years.
    """
    given = cast("object", streamable)
    if not isinstance(given, Streamable):
        raise NotStreamableError(f"stream_url() takes a streamable, not {type(given).__name__}")
    if not abs(expires) <= _TEN_YEARS:
        raise ValueError(f"expires={expires}; use seconds from now, at most ten years")
    name = streamable.id
    store.add(name, streamable.log)
    query = urlencode({TOKEN: sign_link(name, expires)})
    return f"{site.address}{site.prefix}/{name}?{query}"
