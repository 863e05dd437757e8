"""What agents of openai-agents tell, as model events.

Events as in https://openai.github.io/openai-agents-python/streaming/.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

from streamui.errors import ModelError
from streamui.models.events import (
    Finish,
    ModelEvent,
    ProviderEvent,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RefusalDelta,
    RefusalEnd,
    TextDelta,
    TextEnd,
    TextStart,
    ToolApproval,
    ToolCall,
    Usage,
)
from streamui.models.foreign.answer import Answer, add, field_of, json_object
from streamui.models.openai_responses import ResponsesDialect

_NO_ID = "__fake_id__"
"""What everything is called that comes from Chat Completions."""

_PARTS = (
    TextStart,
    TextDelta,
    TextEnd,
    ReasoningStart,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    RefusalEnd,
)


@dataclass(frozen=True, slots=True)
class _RunEnd:
    """The end of a run, which its events leave to be inferred."""

    result: Any
    type: str = "run_end"


class RunEvents(AsyncIterator[object]):
    """The events of a run and its end; closing them stops the run.

    Closing the library's own events waits for the run to end by itself.

    Args:
        result: The ``RunResultStreaming``.
        events: Its ``stream_events()``, where somebody has called it.
    """

    def __init__(self, result: Any, events: AsyncIterator[object] | None = None) -> None:
        self._result = result
        self._events: Any = events or result.stream_events()
        self._ended = False

    async def __anext__(self) -> object:
        if self._ended:
            raise StopAsyncIteration
        try:
            return await anext(self._events)
        except StopAsyncIteration:
            self._ended = True
            return _RunEnd(self._result)

    async def aclose(self) -> None:
        """Stop the run and wait until it has."""
        self._ended = True
        if not self._result.is_complete:
            self._result.cancel()
        await self._events.aclose()
        running = self._result.run_loop_task
        if running is not None and not running.done():
            await asyncio.wait([running])

    @classmethod
    def of(cls, events: Any) -> Self | None:
        """Find the run that a ``stream_events()`` belongs to.

        Args:
            events: Any async generator.

        Returns:
            Its events, or ``None``: it is none of those, or has ended.
        """
        frame = getattr(events, "ag_frame", None)
        result = frame.f_locals.get("self") if frame is not None else None
        return None if result is None else cls(result, events)


class OpenAIAgentsDialect:
    """Translates the events of ``Runner.run_streamed(...)``: many responses, one answer."""

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self._response: ResponsesDialect | None = None
        self._answer = Answer()
        self._turn = 0
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._end: list[ModelEvent] = []

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one event; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        kind = getattr(item, "type", None)
        if kind == "raw_response_event":
            yield from self._raw(item.data)
        elif kind == "run_item_stream_event":
            yield self._item(item)
        elif kind == "run_end":
            self._conclude(item.result)
        elif isinstance(kind, str):
            yield ProviderEvent(kind, item, kind)
        else:
            raise ModelError(f"an event without a type: {type(item).__name__}", code="malformed")

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        if not self.complete:
            raise ModelError("the agent's events ended before its run", code="truncated")
        yield from self._end

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the open parts; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        if self._response is not None:
            for event in self._response.close_parts():
                yield self._seen(event)

    def _raw(self, data: Any) -> Iterator[ModelEvent]:
        if self._response is None:
            self._response, self._finish = ResponsesDialect(), None
            self._turn += 1
        response = self._response
        for event in response.feed(data):
            yield self._seen(event)
        if response.complete:
            self._response = None
            for event in response.finish():
                if isinstance(event, Usage):
                    self._usage = add(self._usage, event)
                elif isinstance(event, Finish):
                    self._finish = event
                else:
                    yield self._seen(event)

    def _seen(self, event: ModelEvent) -> ModelEvent:
        if isinstance(event, ToolCall):
            self._answer.waiting[event.id] = event
        elif isinstance(event, _PARTS) and event.id.startswith(_NO_ID):
            return replace(event, id=f"{self._turn}:{event.type.partition('-')[0]}")
        return event

    def _item(self, item: Any) -> ModelEvent:
        if item.name != "tool_output":
            return ProviderEvent(item.name, item, item.name)
        id = str(field_of(item.item.raw_item, "call_id") or "")
        return self._answer.result(id, "", item.item.output, item.name)

    def _conclude(self, result: Any) -> None:
        if self._response is not None or self._finish is None:
            raise ModelError("the run ended before the model's answer did", code="truncated")
        self.complete = self.over = True
        finish = self._finish
        if finish.response_id == _NO_ID:
            finish = replace(finish, response_id="")
        waiting = [_approval(each) for each in result.interruptions]
        if waiting:
            finish = replace(finish, reason="tool-calls")
        elif result.final_output is None:  # somebody has ended it after a turn
            finish = replace(finish, reason="other")
        elif finish.reason == "tool-calls":  # and the tools have run
            finish = replace(finish, reason="stop")
        self._end = [*waiting, *([self._usage] if self._usage else []), finish]


def _approval(item: Any) -> ToolApproval:
    raw = item.raw_item
    id = str(field_of(raw, "call_id") or field_of(raw, "id") or "")
    name = str(item.tool_name or field_of(raw, "name") or "")
    return ToolApproval(id, name, json_object(field_of(raw, "arguments")))
