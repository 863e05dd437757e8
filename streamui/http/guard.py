"""Whose pages may ask: the origins that Reflex's configuration allows, and the site itself."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from streamui.http.problems import refuse
from streamui.http.site import site

_METHODS = "GET, HEAD, DELETE"
_REQUEST_HEADERS = "accept, cache-control, last-event-id, reflex-client-token"
_SENTENCE = "Pages of this origin may not ask here."


class Guard:
    """Answers cross-origin requests as the site's configuration says.

    Args:
        origins: The origins to allow; what :data:`site` says by default.
    """

    def __init__(self, origins: Sequence[str] | None = None) -> None:
        self._origins = origins

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request of a page that may not ask; ``None`` to all others.

        What is no browser sends no origin, and is asked for none.
        """
        if self._allows(request):
            return None
        return refuse(403, "origin", _SENTENCE, {"vary": "origin"})

    def preflight(self) -> Response:
        """Return the answer to a browser that asks what it may ask."""
        headers = {
            "access-control-allow-methods": _METHODS,
            "access-control-allow-headers": _REQUEST_HEADERS,
            "access-control-max-age": "600",
        }
        return Response(status_code=204, headers=headers)

    def mark(self, request: Request, response: Response) -> None:
        """Let the page that asked read an answer."""
        response.headers["vary"] = "origin"
        if origin := request.headers.get("origin"):
            response.headers["access-control-allow-origin"] = origin
            if self._trusts(origin, request):
                response.headers["access-control-allow-credentials"] = "true"

    def _allows(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        if origin is None:
            return True
        if "*" in self._named or origin in self._named:
            return True
        # By host: behind a proxy that speaks TLS, the scheme that is seen here is not the page's.
        own = _place(f"//{request.headers.get('host')}")
        return own is not None and _place(origin) == own

    def _trusts(self, origin: str, request: Request) -> bool:
        """Return whether a page's cookies may come along; that all may ask is no reason to."""
        if origin in self._named:
            return True
        page, own = _place(origin), _place(f"//{request.headers.get('host')}")
        return page is not None and own is not None and page[0] == own[0]

    @property
    def _named(self) -> Sequence[str]:
        return site.origins if self._origins is None else self._origins


def _place(address: str) -> tuple[str, int | None] | None:
    """Return the host and the port of an address, from wherever it came; ``None`` if it is none."""
    try:
        parts = urlsplit(address)
        return (parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None
