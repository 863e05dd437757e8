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
            response.headers["access-control-allow-credentials"] = "true"

    def _allows(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        if origin is None:
            return True
        origins = site.origins if self._origins is None else self._origins
        if "*" in origins or origin in origins:
            return True
        # By host: behind a proxy that speaks TLS, the scheme that is seen here is not the page's.
        return urlsplit(origin).netloc == request.headers.get("host")
