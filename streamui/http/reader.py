"""Reads an event stream to its end, over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from streamui.errors import StreamConnectionError, StreamInterruptedError
from streamui.http.answer import ConnectionLostError, is_passing
from streamui.http.backoff import delay
from streamui.http.byte_source import ByteSource
from streamui.http.event import ServerSentEvent
from streamui.http.parser import EventStreamParser
from streamui.settings import settings

Done = str | Callable[[ServerSentEvent], bool] | None

_STEADY = 30.0
"""Seconds for which a connection without an event has to live to count as one that worked."""
_SLICE = 0.01
"""Seconds after which a reader that finds always more lets others have the event loop."""


class Reader:
    """One reading of one stream.

    Args:
        source: Where its bytes come from.
        done: The data that marks the end, or what says of an event that it is the last.
        expect_done: Whether an end without it is a cut.
        follow: Whether to go on after an end.
        last_event_id: The id after which to begin; ``""`` for wherever the server begins.

    Attributes:
        last_event_id: That of the last event so far.
    """

    def __init__(
        self, source: ByteSource, *, done: Done, expect_done: bool, follow: bool, last_event_id: str
    ) -> None:
        self.last_event_id = last_event_id
        self._source, self._done = source, done
        self._expect_done, self._follow = expect_done, follow
        self._retry: int | None = None  # milliseconds, of the server
        self._failures = 0  # connections in a row that have given nothing
        self._seen = False  # an event, on any connection

    async def events(self) -> AsyncGenerator[ServerSentEvent]:
        """Give the events in order, each once.

        Raises:
            StreamUIError: See :func:`streamui.http.consume.consume_event_stream`.
        """
        try:
            while True:
                error: Exception | None = None
                parser = EventStreamParser(self.last_event_id)
                try:
                    async with aclosing(self._one_connection(parser)) as events:
                        async for event in events:
                            yield event
                    if self._is_whole(parser):
                        return
                except (ConnectionLostError, StreamConnectionError) as raised:
                    error = raised
                await asyncio.sleep(self._pause(error))
        finally:
            await self._source.close()

    async def _one_connection(self, parser: EventStreamParser) -> AsyncGenerator[ServerSentEvent]:
        clock = asyncio.get_running_loop().time
        begun = turn = clock()
        self._failures += 1
        async with aclosing(self._source.read(self.last_event_id)) as chunks:
            async for chunk in chunks:
                for event in parser.feed(chunk):
                    self.last_event_id = parser.last_event_id
                    self._failures, self._seen = 0, True
                    if self._is_marker(event):
                        self._source.over = True
                        return
                    self._source.over = callable(self._done) and self._done(event)
                    yield event
                    if self._source.over:
                        return
                    if clock() - turn > _SLICE:
                        await asyncio.sleep(0)
                        turn = clock()
                self.last_event_id = parser.last_event_id
                self._retry = self._retry if parser.retry is None else parser.retry
                if clock() - begun > _STEADY:
                    self._failures = 0

    def _is_marker(self, event: ServerSentEvent) -> bool:
        return isinstance(self._done, str) and event.data.strip() == self._done

    def _is_whole(self, parser: EventStreamParser) -> bool:
        """Judge a connection that ended by itself."""
        if self._source.over:
            return True
        if self._follow:
            self._failures = min(self._failures, 1)  # it worked; one that says nothing can wait
            return False
        return not self._expect_done and not parser.incomplete

    def _pause(self, error: Exception | None) -> float:
        """Decide whether to connect again after a cut.

        Args:
            error: What cut the connection; ``None`` if it just ended.

        Returns:
            Seconds to wait before it.

        Raises:
            StreamUIError: It would not help, or lose or repeat events.
        """
        # Without an id, the server would begin anew, or go on somewhere.
        safe = self._follow or self.last_event_id or not self._seen
        again = safe and self._source.resumable and self._failures < settings.reconnect_attempts
        if isinstance(error, StreamConnectionError):
            wait = error.retry_after or 0
            if not again or not is_passing(error.status or 0) or wait > settings.reconnect_limit:
                raise error
            return delay(self._failures, retry=self._retry, retry_after=wait)
        if again:
            return delay(self._failures, retry=self._retry)
        if error is None or self._seen:
            why = error or "its end is missing"
            raise StreamInterruptedError(f"the stream was cut off: {why}") from error
        raise StreamConnectionError(
            f"the server of the stream cannot be reached: {error}"
        ) from error
