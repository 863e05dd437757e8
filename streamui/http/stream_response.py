"""A response that is written as its client reads."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streamui.errors import LimitError, NotStreamableError, ProtocolError, StreamUIError
from streamui.http.bell import Bell
from streamui.http.client import address_of
from streamui.http.feeds import Feed, ItemFeed, LogFeed
from streamui.http.forms import Form
from streamui.http.problems import problem
from streamui.server.draining import draining
from streamui.server.limits import connections
from streamui.server.runs import runs
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.base import Streamable, find_log
from streamui.streamable.log import Log

logger = logging.getLogger("streamui")
_CHUNK = 65_536  # bytes that are handed to the server at once
_OFFSET = re.compile(r"[0-9]{1,16}", re.ASCII)
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-accel-buffering": "no",  # nginx passes on what comes, as it comes
}
"""What every response says, so that nobody keeps it, guesses at it or holds it back."""


class StreamResponse(Response):
    """A response that is written as its client reads.

    Args:
        source: See :func:`sse_response`; a log too.
        form: Makes what writes it.
        offset: See :func:`sse_response`.
        expires: When it is broken off, in seconds of ``time.time``.
        headers: More headers of the response.
        client: Whose connection it is, for the limits; the address that asks by default.
    """

    def __init__(
        self,
        source: Any,
        form: Callable[[], Form],
        *,
        offset: int | str | None = None,
        expires: float | None = None,
        headers: Mapping[str, str] | None = None,
        client: str | None = None,
    ) -> None:
        self._source = _checked(source)
        self._form = form()
        self._offset = offset
        self._expires = expires
        self._client = client
        self._bell: Bell | None = None
        self._gone = False
        super().__init__(media_type=self._form.media_type, headers={**HEADERS, **(headers or {})})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, until the end, or until the client is gone."""
        bell = self._bell = Bell()
        client = address_of(Request(scope)) if self._client is None else self._client
        try:
            feed = await self._feed(bell)
        except StreamUIError as error:
            await self._refusal(error)(scope, receive, send)
            return
        try:
            connections.enter(client)
        except LimitError as error:
            await feed.close()
            await self._refusal(error)(scope, receive, send)
            return
        try:
            await self._respond(feed, bell, scope, receive, send)
        finally:
            connections.leave(client)
        if self.background is not None:
            await self.background()

    def _refusal(self, error: StreamUIError) -> Response:
        response = problem(error)
        for name, value in self.headers.items():
            if name == "vary" or name.startswith("access-control-"):
                response.headers[name] = value
        return response

    async def _respond(
        self, feed: Feed, bell: Bell, scope: Scope, receive: Receive, send: Send
    ) -> None:
        leaving = asyncio.create_task(self._leave(receive))
        open_responses.add(self)
        try:
            if await self._write(feed, bell, send, head=scope.get("method") == "HEAD"):
                await self._put(send, b"", more=False)
        except TimeoutError:
            logger.info("A client took nothing for %g s: closed.", settings.send_timeout)
        except OSError:
            logger.debug("A client left while it was sent something.")
        finally:
            open_responses.discard(self)
            leaving.cancel()
            await feed.close()

    def close(self) -> None:
        """Break it off soon, without an end of its stream: the client comes back for the rest."""
        if self._bell is not None:
            self._bell.stop()

    async def _feed(self, bell: Bell) -> Feed:
        source, offset = self._source, parse_offset(self._offset)
        if isinstance(source, dict):
            source = await _open(cast("dict[str, Any]", source))
        if isinstance(source, Streamable):
            source = cast("Streamable[Any]", source).log
        if isinstance(source, Log):
            return LogFeed(self._form, bell, source, offset)
        return ItemFeed(self._form, bell, source)

    async def _leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self.close()

    async def _write(self, feed: Feed, bell: Bell, send: Send, *, head: bool) -> bool:
        """Write the headers and the content.

        Returns:
            Whether the response ends properly. It does only where its stream does: whoever reads
            it with something that knows no more than HTTP must not take a part for the whole.
        """
        start = {"type": "http.response.start", "status": self.status_code}
        await self._send(send, {**start, "headers": self.raw_headers})
        if head:
            return True
        # Some servers send the headers with the first part of the body, even if that is empty.
        await self._put(send, self._form.opening() if isinstance(feed, LogFeed) else b"")
        while not self._gone and not self._expired():
            for written in feed.take():
                if written is None:
                    return False
                await self._put(send, written)
            # An end that came just before it was closed has been told by now.
            if feed.ended or bell.stopped or _no_more_comes():
                return feed.ended
            if not await feed.wait(self._patience()) and self._form.heartbeat:
                await self._put(send, self._form.heartbeat)
        return False

    async def _put(self, send: Send, content: bytes, *, more: bool = True) -> None:
        for begin in range(0, len(content) or 1, _CHUNK):
            body = content[begin : begin + _CHUNK]
            await self._send(send, {"type": "http.response.body", "body": body, "more_body": more})

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        async with asyncio.timeout(settings.send_timeout or None):
            await send(message)

    def _patience(self) -> float:
        heartbeat = settings.heartbeat or 3600.0
        left = self._expires - time.time() if self._expires is not None else heartbeat
        return max(0.0, min(heartbeat, left))

    def _expired(self) -> bool:
        return self._expires is not None and time.time() >= self._expires


open_responses: set[StreamResponse] = set()
"""The responses that are being written in this process."""


def close_responses() -> None:
    """Break off every open response, because this process ends: clients come back for the rest."""
    for response in list(open_responses):
        response.close()


draining.closing.append(close_responses)


def _no_more_comes() -> bool:
    """Return whether this process has drained: a client that comes now gets what there is."""
    return draining.begun and len(runs) == 0


def parse_offset(offset: int | str | None) -> int:
    """Return the offset that a client says it has; 0 if it has nothing.

    Args:
        offset: From wherever it came; ``None`` and ``""`` are nothing.

    Raises:
        ProtocolError: If it is no number that an offset can be.
    """
    if offset is None or offset == "":
        return 0
    text = str(offset)
    if not _OFFSET.fullmatch(text):
        raise ProtocolError("an offset is a number of up to 16 digits")
    return int(text)


def _checked(source: Any) -> Any:
    if isinstance(source, Streamable | Log) or hasattr(source, "__aiter__"):
        return cast("Any", source)
    if isinstance(source, dict) and "$stream" in source:
        return cast("Any", source)
    kind = cast("object", source).__class__.__name__
    raise NotStreamableError(
        f"a response takes a streamable, its handle or an async iterable, not {kind}"
    )


async def _open(handle: dict[str, Any]) -> Log:
    if "status" in handle and "held" not in handle:  # all there is to know
        return Streamable[Any].from_handle(handle).log
    name = str(handle["$stream"])
    return find_log(name) or await store.open(name)
