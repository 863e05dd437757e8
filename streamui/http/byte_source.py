"""Where the bytes of an event stream come from: something given, or a URL."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any, Protocol

from streamui.http.answer import check, failures
from streamui.models.body import hang_up

_PATIENCE = 2.0
"""Seconds to wait for a thread whose connection was just cut."""


class ByteSource(Protocol):
    """What gives the bytes of a stream.

    Attributes:
        resumable: Whether the rest of the stream can be asked for.
        over: Whether the server has said that there is no more.
    """

    resumable: bool
    over: bool

    def read(self, last_event_id: str) -> AsyncGenerator[bytes]:
        """Give the bytes after an event, and close the connection in the end."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class Given:
    """A response that is there already, or any bytes.

    Args:
        source: A response of ``httpx`` or ``httpx2``, something of ``openai`` that has one, a
            context manager or awaitable of any of these, or an async iterable of bytes.

    Raises:
        TypeError: If it is none of these.
    """

    def __init__(self, source: Any) -> None:
        self.resumable = self.over = False
        self._source = source
        known = ("__aiter__", "__aenter__", "__await__")
        if not any(hasattr(source, each) for each in known) and _response_of(source) is None:
            raise TypeError(
                "an event stream is read from a URL, a streaming response of httpx or openai, or "
                f"an async iterable of bytes, not from {type(source).__name__}"
            )

    async def read(self, last_event_id: str) -> AsyncGenerator[bytes]:
        """Give the bytes.

        Args:
            last_event_id: Of no use here.

        Yields:
            Bytes as they come.

        Raises:
            StreamUIError: If it is a response, and no event stream: see ``check``.
            ConnectionLostError: If its connection fails.
        """
        async with failures(), AsyncExitStack() as stack:
            source = await self._open(stack)
            response = _response_of(source)
            self.over = response is not None and not check(response)
            if not self.over:
                async for chunk in source if response is None else _body_of(response, stack):
                    yield chunk

    async def close(self) -> None:
        """Close it, if it was never read."""
        if inspect.iscoroutine(self._source):
            self._source.close()
        else:
            await _close(_response_of(self._source) or self._source)

    async def _open(self, stack: AsyncExitStack) -> Any:
        source = self._source
        if inspect.isawaitable(source):
            source = await source
        if not hasattr(source, "__aiter__") and hasattr(source, "__aenter__"):
            source = await stack.enter_async_context(source)
        stack.push_async_callback(_close, _response_of(source) or source)
        return source


class Remote:
    """A URL, asked for again after each cut.

    Args:
        url: An address of http or https.
        client: An ``httpx.AsyncClient``; ``None`` makes one, and closes it.
        headers: Of the request, beside or in place of our own.
        params: Of the query.
        connect_timeout: Seconds for the connection to be made.
        idle_timeout: Seconds without a byte after which it counts as cut; 0 is never.

    Raises:
        ValueError: If the URL is none of http or https.
        TypeError: If the client is not async.
    """

    def __init__(
        self,
        url: str,
        *,
        client: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        connect_timeout: float = 10.0,
        idle_timeout: float = 120.0,
    ) -> None:
        if not url.lower().startswith(("http://", "https://")):
            raise ValueError("the URL of an event stream begins with http:// or https://")
        if client is not None and not hasattr(client, "aclose"):
            raise TypeError("give an httpx.AsyncClient: the stream is read in an event loop")
        self.resumable, self.over = True, False
        self._url, self._client, self._own = url, client, client is None
        self._headers, self._params = dict(headers or {}), params
        self._timeout = (connect_timeout, idle_timeout or None, connect_timeout, connect_timeout)

    async def read(self, last_event_id: str) -> AsyncGenerator[bytes]:
        """Ask for what comes after an event.

        Args:
            last_event_id: Its id; ``""`` asks for the stream as the server begins it.

        Yields:
            Bytes as they come.

        Raises:
            StreamUIError: If the answer is no event stream: see ``check``.
            ConnectionLostError: If the connection fails.
        """
        async with failures(), AsyncExitStack() as stack:
            response = await stack.enter_async_context(self._answer(last_event_id))
            self.over = not check(response)
            if not self.over:
                async for chunk in _body_of(response, stack):
                    yield chunk

    async def close(self) -> None:
        """Close the client, if it is our own."""
        if self._own and self._client is not None:
            await self._client.aclose()
            self._client = None

    @asynccontextmanager
    async def _answer(self, last_event_id: str) -> AsyncGenerator[Any]:
        if self._client is None:
            # In a thread: reading the certificates takes tens of milliseconds, the first time.
            self._client = await asyncio.to_thread(_new_client)
        # Compressed, an event may lie in a proxy until the next ones have filled its block.
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        headers |= {"Accept-Encoding": "identity"}
        request = self._client.build_request(
            "GET", self._url, headers=headers, params=self._params, timeout=self._timeout
        )
        request.headers.update(self._headers)
        # In UTF-8, and without white space around it, which a header cannot have.
        if name := last_event_id.strip(" \t"):
            request.headers.update([(b"Last-Event-ID", name.encode())])
            request.headers.encoding = "utf-8"  # what httpx had guessed before is too little now
        response = await self._client.send(request, stream=True, follow_redirects=True)
        try:
            yield response
        finally:
            await response.aclose()


def _new_client() -> Any:
    import httpx

    return httpx.AsyncClient(verify=_certificates())


@cache
def _certificates() -> Any:
    import httpx

    return httpx.create_ssl_context()


def _response_of(source: Any) -> Any | None:
    """Find the response in what ``httpx`` or ``openai`` returned."""
    for candidate in (
        source,
        getattr(source, "http_response", None),
        getattr(source, "response", None),
    ):
        if hasattr(candidate, "aiter_bytes") and hasattr(candidate, "status_code"):
            return candidate
    return None


def _body_of(response: Any, stack: AsyncExitStack) -> AsyncIterator[bytes]:
    """Read a response; what reads it is closed before the response is."""
    blocking = not hasattr(response.stream, "__aiter__")
    body = _read_in_threads(response) if blocking else response.aiter_bytes()
    stack.push_async_callback(body.aclose)
    return body


async def _read_in_threads(response: Any) -> AsyncGenerator[bytes]:
    """Read the response of a blocking client."""
    chunks = response.iter_bytes()
    while True:
        reading = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
        try:
            chunk = await asyncio.shield(reading)
        except asyncio.CancelledError:
            hang_up(response)  # wakes the thread that waits for bytes
            reading.add_done_callback(lambda each: each.cancelled() or each.exception())
            await asyncio.wait([reading], timeout=_PATIENCE)
            raise
        if chunk is None:
            return
        yield chunk


async def _close(source: Any) -> None:
    if getattr(source, "stream", None) is not None and not hasattr(source.stream, "__aiter__"):
        await asyncio.to_thread(source.close)
        return
    close = getattr(source, "aclose", None) or getattr(source, "close", None)
    if close is not None:
        closing = close()
        if inspect.isawaitable(closing):
            await closing
