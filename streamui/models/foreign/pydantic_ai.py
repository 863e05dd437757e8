"""What agents of pydantic-ai tell, as model events.

Events as in https://ai.pydantic.dev/agents/#streaming-all-events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from streamui.errors import ModelError
from streamui.models.events import (
    Finish,
    FinishReason,
    ModelEvent,
    ProviderEvent,
    ToolApproval,
    Usage,
)
from streamui.models.failures import told_failure
from streamui.models.foreign.answer import Answer, as_json, count_of, counts_of, field_of
from streamui.models.parts import ReasoningPart, TextPart

_WRITTEN = {"text": TextPart, "thinking": ReasoningPart}
_CALLS = ("tool-call", "builtin-tool-call")
_REASONS: dict[object, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_call": "stop",  # of an output tool: the run is over
}
_OUTCOMES = {"success": "", "denied": "denied"}
_CAUSES = {"unknown_tool": "unknown_tool", "validation_error": "bad_arguments"}
_PRETENDERS = (None, "", "test", "function")
"""The providers of pydantic-ai's own models for tests, which give no finish reason."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A piece of what ``run_stream`` gives."""

    delta: str
    event_kind: str = "text"


@dataclass(frozen=True, slots=True)
class _End:
    """The end of what ``run_stream`` gives."""

    result: Any
    event_kind: str = "agent_run_result"


async def texts(result: Any) -> AsyncIterator[object]:
    """Read what ``run_stream`` gives: it has no events, only the text.

    Args:
        result: A ``StreamedRunResult``.
    """
    async for delta in result.stream_text(delta=True, debounce_by=None):
        yield _Text(delta)
    yield _End(result)


class PydanticAIDialect:
    """Translates the events of ``agent.run_stream_events()`` and the text of ``run_stream()``."""

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self._answer = Answer()
        self._end: list[ModelEvent] = []

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one event; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        name = getattr(item, "event_kind", None)
        if name == "part_delta":
            yield from self._more(item.index, item.delta, name)
        elif name == "part_start":
            yield from self._part(item.index, item.part, name, item)
        elif name == "part_end":
            yield from self._part_over(item.index, item.part, name)
        elif name in ("function_tool_call", "output_tool_call"):
            yield from self._called(item.part, name, item)
        elif name in ("function_tool_result", "output_tool_result"):
            yield self._result(item.part, name)
        elif name == "deferred_tool_requests":
            yield from self._approvals(item.requests, name)
        elif name == "text":
            yield from self._answer.write(TextPart, 0, item.delta, name)
        elif name == "agent_run_result":
            self._conclude(item.result, name)
        elif isinstance(name, str):
            yield ProviderEvent(name, item, name)
        else:
            raise ModelError(f"an event without a kind: {type(item).__name__}", code="malformed")

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        if not self.complete:
            raise ModelError("the agent's events ended before its result", code="truncated")
        yield from self._end

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the open parts; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        yield from self._answer.close_parts()

    def _part(self, index: int, part: Any, name: str, item: object) -> Iterator[ModelEvent]:
        kind = part.part_kind
        yield from self._answer.end(index, name)  # a start replaces what was there
        if kind in _WRITTEN:
            yield from self._answer.write(_WRITTEN[kind], index, part.content or "", name)
        elif kind in _CALLS:
            yield from self._answer.begin_call(index, part.tool_call_id, part.tool_name, name)
            yield from self._answer.write_call(index, part.args, name)
        elif kind == "builtin-tool-return":
            yield self._result(part, name)
        else:
            yield ProviderEvent(name, item, name)

    def _more(self, index: int, delta: Any, name: str) -> Iterator[ModelEvent]:
        kind = delta.part_delta_kind
        if kind in _WRITTEN:
            yield from self._answer.write(_WRITTEN[kind], index, delta.content_delta or "", name)
        elif kind == "tool_call":
            yield from self._answer.write_call(index, delta.args_delta, name)

    def _part_over(self, index: int, part: Any, name: str) -> Iterator[ModelEvent]:
        if part.part_kind in _CALLS:
            yield from self._answer.end_call(index, name, part.args)
        else:
            yield from self._answer.end(index, name)

    def _called(self, part: Any, name: str, item: object) -> Iterator[ModelEvent]:
        """Tell a call that is about to run, where the model's own events have not."""
        if part.tool_call_id in self._answer.waiting:
            yield ProviderEvent(name, item, name)
            return
        yield from self._answer.begin_call(name, part.tool_call_id, part.tool_name, name)
        yield from self._answer.end_call(name, name, part.args)

    def _result(self, part: Any, name: str) -> ModelEvent:
        outcome = getattr(part, "outcome", "failed")
        cause = getattr(getattr(part, "retry", None), "cause", None)
        failure = _OUTCOMES.get(outcome, _CAUSES.get(str(cause), "failed"))
        return self._answer.result(
            part.tool_call_id, part.tool_name or "", part.content, name, failure
        )

    def _approvals(self, requests: Any, name: str) -> Iterator[ModelEvent]:
        for part in requests.approvals:
            arguments = as_json(part.args_as_dict())
            yield ToolApproval(part.tool_call_id, part.tool_name, arguments, name)

    def _conclude(self, result: Any, name: str) -> None:
        response = result.response
        reason = _reason(response)
        self.complete = self.over = True
        usage = result.usage
        counted = Usage(
            count_of(usage.input_tokens),
            count_of(usage.output_tokens),
            count_of(usage.input_tokens) + count_of(usage.output_tokens),
            counts_of(usage.details) | {"cached_tokens": count_of(usage.cache_read_tokens)},
            name,
        )
        id = str(response.provider_response_id or "")
        if type(getattr(result, "output", None)).__name__ == "DeferredToolRequests":
            reason = "tool-calls"
        self._end = [*self._answer.close(name), counted, Finish(reason, id, name)]


def _reason(response: Any) -> FinishReason:
    """Say why the model stopped.

    Raises:
        ModelError: ``truncated``: its provider did not say, so it was cut off. pydantic-ai takes
            that for an end, and where a Chat Completions stream has no finish reason it makes one
            up; the provider's own is among the details then as always.
    """
    said = response.finish_reason
    if said == "error":
        raise told_failure("the model ended its answer with an error", "server_error")
    raw = field_of(response.provider_details, "finish_reason")
    if response.provider_name not in _PRETENDERS and not raw and said in (None, "stop"):
        raise ModelError("the model's answer has no finish reason", code="truncated")
    if said is None:
        return "other" if raw else "stop"
    return _REASONS.get(said, "other")
