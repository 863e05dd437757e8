"""Python's own reader of event streams."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Any

from streamui.errors import StreamCancelledError
from streamui.http.byte_source import ByteSource, Given, Remote
from streamui.http.event import ServerSentEvent
from streamui.http.reader import Done, Reader

OnChunk = Callable[[ServerSentEvent], object]


class EventStream(AsyncIterator[ServerSentEvent]):
    """The events of one stream: await it if it has an ``on_chunk``, or iterate over it.

    Made by :func:`consume_event_stream`. The connection is closed at the end, when the task is
    cancelled, when the loop is left and nobody holds the object, and by ``aclose()`` or
    ``async with`` at a moment of your choice.
    """

    def __init__(self, reader: Reader, source: ByteSource, on_chunk: OnChunk | None) -> None:
        self._begun = self._closed = self._cancelled = False
        self._reader, self._source, self._on_chunk = reader, source, on_chunk
        # Of the reader, not of this object: who leaves the loop lets go of both at once.
        self._events = reader.events()
        self._wait: asyncio.Timeout | None = None
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    @property
    def last_event_id(self) -> str:
        """The id after which a later reader would go on; ``""`` if the server gives none."""
        return self._reader.last_event_id

    def __await__(self) -> Generator[Any, None, None]:
        """Read to the end, giving each event to ``on_chunk``."""
        self._begun = True
        if self._on_chunk is None:
            raise TypeError("give it an on_chunk to await it, or read it with `async for`")
        return self._run(self._on_chunk).__await__()

    async def __anext__(self) -> ServerSentEvent:
        self._begun = True
        if self._on_chunk is not None:
            raise TypeError("its events go to on_chunk: await it, or leave on_chunk out")
        return await self._next()

    async def __aenter__(self) -> EventStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop reading and close the connection; from any task, any number of times.

        For another task that reads, the stream ends here.
        """
        self._begun = self._closed = True
        if self._wait is not None:
            self._wait.reschedule(0)
        await self._at_rest.wait()
        await self._events.aclose()
        await self._source.close()  # one that was never read as well

    def __del__(self) -> None:
        if not self._begun:
            what = "an event stream was neither awaited nor iterated: nothing of it was read"
            warnings.warn(what, RuntimeWarning, source=self, stacklevel=2)

    async def _run(self, on_chunk: OnChunk) -> None:
        try:
            while True:
                try:
                    event = await self._next()
                except StopAsyncIteration:
                    return
                result = on_chunk(event)
                if inspect.isawaitable(result):
                    await result
        finally:
            await self.aclose()

    async def _next(self) -> ServerSentEvent:
        if self._closed:
            raise StopAsyncIteration
        if self._cancelled:
            raise StreamCancelledError("a read of this stream was cancelled, which closed it")
        self._at_rest.clear()
        try:
            async with asyncio.timeout(None) as self._wait:
                return await anext(self._events)
        except TimeoutError:
            if not self._closed:
                raise
            raise StopAsyncIteration from None
        except asyncio.CancelledError:
            self._cancelled = True
            raise
        finally:
            self._wait = None
            self._at_rest.set()


def consume_event_stream(
    source: Any,
    on_chunk: OnChunk | None = None,
    *,
    done: Done = "[DONE]",
    expect_done: bool = False,
    follow: bool = False,
    last_event_id: str = "",
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    client: Any = None,
    connect_timeout: float = 10.0,
    idle_timeout: float = 120.0,
) -> EventStream:
    """Read server-sent events, from whatever gives them.

    A URL is asked again after a cut: after ``Last-Event-ID``, with the server's ``retry:`` or
    ``settings.reconnect_delay`` between the connections, more from one to the next, and until
    ``settings.reconnect_attempts`` in a row have given no event. So each event comes once, if
    the server resumes; where that cannot be (it gives no ids), a cut is an error, never a gap.

    Args:
        source: A URL; a streaming response of ``httpx`` or ``httpx2``, or what ``openai``
            returns for ``stream=True``; an awaitable or an async context manager of one, such
            as ``client.stream("POST", url, json=…)``; or an async iterable of bytes.
        on_chunk: Called with each event, and awaited if it is async. Await the result then.
            Without it, iterate over the result with ``async for``.
        done: The data that marks the end; reading stops there, and it is not given out. Or a
            function that is asked of each event whether it is the last. ``None``: no mark.
        expect_done: A stream that ends without its mark was cut.
        follow: Go on after the server has ended its response, as a browser does: until it
            answers 204, and with whatever it sends after a gap.
        last_event_id: Where to begin: after the event with this id.
        headers: Of the request to a URL.
        params: Of its query.
        client: An ``httpx.AsyncClient`` to ask with. It stays open.
        connect_timeout: Seconds for a connection to be made.
        idle_timeout: Seconds without a byte after which a connection counts as cut; 0 is
            never. For a URL; a given response has the timeout of its client.

    Returns:
        What to await or to iterate over.

    Raises:
        TypeError: The source is nothing that can be read.
        ValueError: The URL is none of http or https.
        StreamNotFoundError: The server answered 404 or 410. This and all that follow are raised
            while reading.
        StreamConnectionError: It cannot be reached, or refused; then ``status`` says how.
        StreamInterruptedError: The stream was cut and could not be resumed.
        ProtocolError: The answer is no event stream, or an event is over
            ``settings.event_limit``.

    Example:
        Awaited to the end, or read in a loop::

            await ui.consume_event_stream(response, on_chunk=lambda event: print(event.data))

            async for event in ui.consume_event_stream("https://example.com/events"):
                print(event.event, event.data)
    """
    bytes_of: ByteSource
    if isinstance(source, str):
        bytes_of = Remote(
            source,
            client=client,
            headers=headers,
            params=params,
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
        )
    else:
        bytes_of = Given(source)
    reader = Reader(
        bytes_of, done=done, expect_done=expect_done, follow=follow, last_event_id=last_event_id
    )
    return EventStream(reader, bytes_of, on_chunk)
