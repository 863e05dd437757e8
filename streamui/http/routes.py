"""The streams of an app over HTTP: read as they are made, and stopped."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from streamui.errors import StreamNotFoundError
from streamui.http.accept import choose
from streamui.http.client import address_of
from streamui.http.forms import EventStream, Form, Lines, PlainText
from streamui.http.guard import Guard
from streamui.http.links import TOKEN
from streamui.http.problems import problem, refuse
from streamui.http.site import site
from streamui.http.stream_response import StreamResponse, parse_offset
from streamui.server.access import Claim, admit
from streamui.server.lifespan import lifespan
from streamui.server.stopping import stop_stream
from streamui.store.store import store
from streamui.streamable.log import UNSET, Log

Authorize = Callable[[Request, str], bool | Awaitable[bool]]
_FORMS: tuple[type[Form], ...] = (EventStream, Lines, PlainText)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_METHODS = "GET, HEAD, DELETE, OPTIONS"


def routes(
    prefix: str = "/streams",
    authorize: Authorize | None = None,
    *,
    origins: Sequence[str] | None = None,
) -> Starlette:
    """Serve the app's streams: ``rx.App(api_transformer=ui.routes())``.

    ``GET {prefix}/{id}`` reads one, as an event stream, as lines of JSON or as plain text;
    ``DELETE`` stops whoever makes it. The page that was given a stream may do both when it sends
    its client token as ``Reflex-Client-Token``, and so may whoever has a link made by
    :func:`streamui.stream_url`. See docs/http.md.

    Args:
        prefix: Where.
        authorize: Lets others in. It is called with the request and the stream's id, whether
            there is such a stream or not, and says whether whoever asks may read and stop it.
        origins: The origins whose pages may ask; by default those of Reflex's
            ``cors_allowed_origins``. Without Reflex: the server's own.

    Returns:
        A Starlette application; without Reflex it can be mounted or run like any other.
    """
    site.prefix = prefix = "/" + prefix.strip("/")
    streams = Streams(authorize, Guard(origins))
    return Starlette(routes=[Route(f"{prefix}/{{name}}", streams)], lifespan=lifespan)


class Streams:
    """Answers the requests for one stream, as an ASGI application.

    Args:
        authorize: See :func:`routes`.
        guard: Answers pages of other origins.
    """

    def __init__(self, authorize: Authorize | None, guard: Guard) -> None:
        self._authorize = authorize
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = self._guard.refusal(request)
        if response is None:
            try:
                response = await self._answer(request)
            except Exception as error:  # any: the hook is the user's; no client sees a traceback
                response = problem(error)
            self._guard.mark(request, response)
        await response(scope, receive, send)

    def _client(self, request: Request) -> str:
        """Return who asks: a page, where only pages are let in; an address otherwise."""
        page = request.headers.get("reflex-client-token")
        if page and self._authorize is None and TOKEN not in request.query_params:
            return f"page {page}"
        return address_of(request)

    async def _answer(self, request: Request) -> Response:
        if request.method in ("GET", "HEAD"):
            return await self._read(request)
        if request.method == "DELETE":
            name, _ = await self._admit(request)
            await store.open(name)
            await stop_stream(name)
            return Response(status_code=204)
        if request.method == "OPTIONS":
            return self._guard.preflight()
        return refuse(405, "method", "A stream can be read and stopped.", {"allow": _METHODS})

    async def _read(self, request: Request) -> Response:
        # What does not depend on the stream comes first: so no answer tells whether it exists.
        form = choose(request.headers.get("accept"), _FORMS)
        if form is None:
            return _not_acceptable(_FORMS)
        resumed = request.headers.get("last-event-id")
        offset = parse_offset(resumed or request.query_params.get("offset"))
        if offset and form is PlainText:
            return refuse(400, "protocol", "Plain text has no offsets; ask for another form.")
        name, expires = await self._admit(request)
        log = await store.open(name)
        if form is PlainText and not _is_text(log):
            return _not_acceptable(_FORMS[:-1])
        if form is EventStream and resumed and log.status != "streaming" and offset == log.offset:
            return Response(status_code=204)  # an EventSource asks no more
        client = self._client(request)
        return StreamResponse(log, form, offset=offset, expires=expires, client=client)

    async def _admit(self, request: Request) -> tuple[str, float | None]:
        """Return the stream's id, and when it has to be closed again."""
        name: str = request.path_params["name"]
        if not _NAME.fullmatch(name):
            raise StreamNotFoundError("no stream has such an id")
        page = request.headers.get("reflex-client-token", "")
        link = request.query_params.get(TOKEN, "")

        async def hook() -> bool:
            assert self._authorize is not None
            answer = self._authorize(request, name)
            return bool(await answer if inspect.isawaitable(answer) else answer)

        claim = Claim(page, link, hook if self._authorize is not None else None)
        return name, await admit(name, claim)


def _is_text(log: Log) -> bool:
    return log.is_text or log.own_value is UNSET


def _not_acceptable(forms: Sequence[type[Form]]) -> Response:
    return refuse(406, "accept", f"There is {', '.join(form.media_type for form in forms)}.")
