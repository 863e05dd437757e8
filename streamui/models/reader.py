"""Reads a provider's stream as model events, to exactly one end."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from streamui.errors import ModelError, StreamCancelledError, StreamUIError
from streamui.models.calls import ModelCall
from streamui.models.dialect import Dialect
from streamui.models.events import Failure, ModelEvent, Retry
from streamui.models.foreign.libraries import dialect_of
from streamui.models.openai_assistants import AssistantsDialect, is_assistants
from streamui.models.openai_chat import ChatDialect
from streamui.models.openai_responses import ResponsesDialect
from streamui.models.plain_text import PlainTextDialect
from streamui.models.upstream import Upstream
from streamui.streamable.scope import current_scope

logger = logging.getLogger("streamui")

_GRACE = 0.1
"""Seconds in which a finished stream may end by itself, so that its connection is kept."""


_AFTERWORD = 5.0
"""Seconds that a complete answer's usage is waited for."""

_BEFORE_WORDS = frozenset(
    {"provider", "text-start", "text-end", "reasoning-start", "reasoning-end", "retry"}
)
"""The events that tell nothing of the answer yet, so that it may begin anew after them."""


class ModelEvents(AsyncIterator[ModelEvent]):
    """The events of one stream; made by :func:`~streamui.models.model_events.model_events`.

    Args:
        upstream: What the provider's streams yield.
        first_token_timeout: Seconds of silence before the first token; 0 is no limit.
        token_timeout: Seconds of silence after it.
    """

    def __init__(
        self, upstream: Upstream, first_token_timeout: float, token_timeout: float
    ) -> None:
        self._upstream = upstream
        self._call = ModelCall()
        self._first_token_timeout = first_token_timeout
        self._token_timeout = token_timeout
        self._spoken = False
        self._cursor: tuple[str, int] | None = None
        self._dialect: Dialect | None = None
        self._ready: deque[ModelEvent] = deque()
        self._error: StreamUIError | None = None
        self._ended = False
        self._scope = current_scope.get()
        # Not this object: what a scope holds could not be dropped by a loop that breaks off.
        if self._scope is not None:
            self._scope.adopt(upstream)

    @property
    def cursor(self) -> tuple[str, int] | None:
        """Where a background response has been read to; ``None`` for any other.

        Its id and its last event's number. Whoever keeps them beside the text so far can go on
        later, in another process too, with ``client.responses.retrieve(id, stream=True,
        starting_after=number)``.
        """
        return self._cursor

    @property
    def run(self) -> tuple[str, str] | None:
        """The ids of the thread and of the run of an Assistants stream; else ``None``.

        After a finish for ``tool-calls`` they are where the results go to:
        ``client.beta.threads.runs.submit_tool_outputs(run_id, thread_id=thread_id, …)``.
        """
        return self._upstream.run

    async def __anext__(self) -> ModelEvent:
        """Wait for the next event."""
        while not self._ready:
            if self._ended:
                await self._close(_GRACE if self._error is None else 0.0)
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            await self._advance()
        event = self._ready.popleft()
        if not self._ready:
            self._cursor = self._upstream.cursor
        return event

    async def leave(self) -> tuple[str, int] | None:
        """Close the connection, and let a background response be written on.

        Any other answer ends with its connection.

        Returns:
            The cursor, with which :func:`~streamui.models.resume.resume` goes on; ``None`` when
            there is nothing to come back for.
        """
        self._upstream.settled = True
        await self.aclose()
        return self._cursor

    async def aclose(self) -> None:
        """Close the provider's connection; any number of times, at any moment."""
        self._ready.clear()
        if not self._ended:
            self._ended = True
            self._error = StreamCancelledError("the model's stream was closed before its end")
        await self._close()

    async def __aenter__(self) -> Self:
        """Nothing to do: the stream is there already."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the provider's connection."""
        await self.aclose()

    def __del__(self) -> None:
        """Close the connection of a stream whose loop was left."""
        upstream: Upstream | None = getattr(self, "_upstream", None)
        if upstream is not None:
            upstream.cancel()
            self._call.drop(upstream.opened, upstream.loop)

    async def _advance(self) -> None:
        try:
            item = await self._upstream.read(self._limit())
        except StopAsyncIteration:
            self._conclude()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        except StreamCancelledError as error:
            self._ended, self._error = True, error
        except Exception as error:  # any: it is typed from here on
            self._break(error)
        else:
            self._feed(item)

    def _limit(self) -> float | None:
        limit = self._token_timeout if self._spoken else self._first_token_timeout
        if self._dialect is not None and self._dialect.complete:
            limit = min(limit or _AFTERWORD, _AFTERWORD)
        return limit or None

    def _give(self, event: ModelEvent) -> None:
        self._ready.append(event)
        self._call.see(event)

    def _feed(self, item: object) -> None:
        self._call.see_item(item)
        if self._dialect is None:
            self._dialect = _dialect_of(item, self._upstream)
        try:
            # One by one: what came before an error in the same item still counts.
            for event in self._dialect.feed(item):
                self._give(event)
                self._spoken = self._spoken or event.type not in _BEFORE_WORDS
        except Exception as error:  # any: the data comes from outside
            if self._dialect.complete:  # Nothing of the answer is lost.
                self._conclude()
            else:
                self._fail(error, item)
        else:
            if self._dialect.over:
                self._conclude()

    def _conclude(self) -> None:
        if self._dialect is None:
            self._dialect = PlainTextDialect() if self._upstream.plain else ResponsesDialect()
        try:
            for event in self._dialect.finish():
                self._give(event)
        except ModelError as error:
            self._fail(error)
        else:
            self._ended = self._upstream.settled = True

    def _break(self, error: Exception) -> None:
        """Take what reading raised; after a complete answer it is no loss."""
        if self._dialect is not None and self._dialect.complete:
            self._conclude()
        else:
            self._fail(error)

    def _fail(self, error: Exception, item: object = None) -> None:
        name = getattr(item, "type", None) or getattr(item, "event", None)
        name = name if isinstance(name, str) else ""
        failure = self._upstream.failure(error, begun=self._dialect is not None)
        recovery = self._upstream.recover(failure, told=item is not None, spoken=self._spoken)
        if self._dialect is not None and (recovery is None or recovery.afresh):
            self._ready.extend(self._dialect.close_parts())
            self._dialect = None
        if recovery is not None:
            logger.info("a model's stream goes on in %.1f s after: %s", recovery.delay, failure)
            self._give(Retry(failure.code, failure.sentence, recovery.delay, name))
            return
        self._ended, self._error = True, failure
        self._give(
            Failure(
                failure.code,
                failure.sentence,
                getattr(failure, "retryable", False),
                getattr(failure, "retry_after", None),
                name,
            )
        )
        self._upstream.settled = True
        self._upstream.cancel()

    async def _close(self, grace: float = 0.0) -> None:
        scope, self._scope = self._scope, None
        try:
            await self._upstream.aclose(grace)
        finally:
            if scope is not None:
                with suppress(LookupError, ValueError):
                    scope.release(self._upstream)
            self._call.end(self._upstream.opened or self._error)


def _dialect_of(item: object, upstream: Upstream) -> Dialect:
    if isinstance(item, str) and upstream.plain:
        return PlainTextDialect()
    foreign = dialect_of(item)
    if foreign is not None:
        return foreign
    # By the class's name too: the SDK gives a chunk that is none the class but no fields.
    if type(item).__name__ == "ChatCompletionChunk" or hasattr(item, "choices"):
        return ChatDialect()
    if getattr(item, "type", None) == "chunk":
        return ChatDialect()
    if is_assistants(item):
        return AssistantsDialect()
    return ResponsesDialect(upstream.tail)
