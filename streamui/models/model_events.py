"""Any provider's stream as model events."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from streamui.errors import ModelError, NotStreamableError, StreamCancelledError, StreamUIError
from streamui.models.dialect import Dialect
from streamui.models.events import Failure, ModelEvent
from streamui.models.failures import stream_failure
from streamui.models.openai_chat import ChatDialect
from streamui.models.openai_responses import ResponsesDialect
from streamui.models.plain_text import PlainTextDialect
from streamui.models.source import Source
from streamui.models.task_source import TaskSource
from streamui.models.thread_source import ThreadSource
from streamui.streamable.scope import current_scope

_GRACE = 0.1
"""Seconds in which a finished stream may end by itself, so that its connection is kept."""


def model_events(stream: Any) -> ModelEvents:
    """Read any provider's stream as one small set of typed events.

    Takes what your own ``openai`` client returned from ``responses.create(stream=True)``,
    ``responses.stream(...)``, ``chat.completions.create(stream=True)`` or
    ``chat.completions.stream(...)``, blocking or async, awaited or not; or any iterable of
    strings, async or not. A blocking one is read in a thread.

    Example::

        stream = await client.responses.create(model=model, input=question, stream=True)
        async for event in ui.model_events(stream):
            if event.type == "text-delta":
                answer.append(event.delta)

    The provider's connection is closed when the loop ends, however it ends, and when the run
    around it is stopped.

    Args:
        stream: What to read. It belongs to the events from now on.

    Returns:
        An async iterator of events. A proper end is one ``finish`` event, the last. Anything
        else ends with an ``error`` event and raises
        :class:`~streamui.errors.ModelError`, after an end for every part that was open; when
        somebody else closed it, with :class:`~streamui.errors.StreamCancelledError`.

    Raises:
        NotStreamableError: This can't be read as a stream.
    """
    if isinstance(stream, ModelEvents):
        return stream
    kind = type(stream).__name__
    if hasattr(stream, "model_dump"):
        raise NotStreamableError(f"{kind} is a whole answer, not a stream: call with stream=True")
    if isinstance(stream, str | bytes | bytearray | dict):
        raise NotStreamableError(f"a {kind} is no stream: give an iterable of strings")
    if any(hasattr(stream, name) for name in ("__aiter__", "__aenter__", "__await__")):
        return ModelEvents(TaskSource(stream))
    if hasattr(stream, "__iter__") or hasattr(stream, "__enter__"):
        return ModelEvents(ThreadSource(stream))
    raise NotStreamableError(f"{kind} can't be read as a model's stream")


class ModelEvents(AsyncIterator[ModelEvent]):
    """The events of one stream; made by :func:`model_events`.

    Args:
        source: What the provider's stream yields.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._dialect: Dialect | None = None
        self._ready: deque[ModelEvent] = deque()
        self._error: StreamUIError | None = None
        self._ended = False
        self._scope = current_scope.get()
        # Not this object: what a scope holds could not be dropped by a loop that breaks off.
        if self._scope is not None:
            self._scope.adopt(source)

    async def __anext__(self) -> ModelEvent:
        """Wait for the next event."""
        while not self._ready:
            if self._ended:
                await self._close(_GRACE if self._error is None else 0.0)
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            await self._advance()
        return self._ready.popleft()

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
        source: Source | None = getattr(self, "_source", None)
        if source is not None:
            source.cancel()

    async def _advance(self) -> None:
        try:
            item = await self._source.read()
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

    def _feed(self, item: object) -> None:
        if self._dialect is None:
            self._dialect = _dialect_of(item, self._source.plain)
        try:
            # One by one: what came before an error in the same item still counts.
            for event in self._dialect.feed(item):
                self._ready.append(event)
        except Exception as error:  # any: the data comes from outside
            self._fail(error, getattr(item, "type", None))
        else:
            if self._dialect.over:
                self._conclude()

    def _conclude(self) -> None:
        if self._dialect is None:
            self._dialect = PlainTextDialect() if self._source.plain else ResponsesDialect()
        try:
            for event in self._dialect.finish():
                self._ready.append(event)
            self._ended = True
        except ModelError as error:
            self._fail(error)

    def _break(self, error: Exception) -> None:
        """Take what reading raised; after a complete answer it is no loss."""
        if self._dialect is not None and self._dialect.complete:
            self._conclude()
        else:
            self._fail(error)

    def _fail(self, error: Exception, provider_event: object = None) -> None:
        begun = self._dialect is not None
        failure = stream_failure(error, begun=begun, plain=self._source.plain)
        if self._dialect is not None:
            self._ready.extend(self._dialect.close_parts())
        self._ended, self._error = True, failure
        self._ready.append(
            Failure(
                failure.code,
                failure.sentence,
                getattr(failure, "retryable", False),
                getattr(failure, "retry_after", None),
                provider_event if isinstance(provider_event, str) else "",
            )
        )
        self._source.cancel()

    async def _close(self, grace: float = 0.0) -> None:
        scope, self._scope = self._scope, None
        try:
            await self._source.aclose(grace)
        finally:
            if scope is not None:
                with suppress(LookupError, ValueError):
                    scope.release(self._source)


def _dialect_of(item: object, plain: bool) -> Dialect:
    if isinstance(item, str) and plain:
        return PlainTextDialect()
    # By the class's name too: the SDK gives a chunk that is none the class but no fields.
    if type(item).__name__ == "ChatCompletionChunk" or hasattr(item, "choices"):
        return ChatDialect()
    return ChatDialect() if getattr(item, "type", None) == "chunk" else ResponsesDialect()
