"""OpenAI's Responses stream as model events.

Events as in https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamui.errors import ModelError
from streamui.models.events import Finish, FinishReason, ModelEvent, ProviderEvent, Usage
from streamui.models.failures import told_failure
from streamui.models.parts import CallPart, ReasoningPart, RefusalPart, TextPart, WrittenPart

_WRITTEN: dict[str, type[WrittenPart]] = {
    "response.output_text": TextPart,
    "response.refusal": RefusalPart,
    "response.reasoning_text": ReasoningPart,
    "response.reasoning_summary_text": ReasoningPart,
}
_PART_TYPES: dict[object, type[WrittenPart]] = {
    "output_text": TextPart,
    "refusal": RefusalPart,
    "reasoning_text": ReasoningPart,
    "summary_text": ReasoningPart,
}
_CALL_TYPES = ("function_call", "custom_tool_call")
_INCOMPLETE: dict[object, FinishReason] = {
    "max_output_tokens": "length",
    "content_filter": "content-filter",
}


class ResponsesDialect:
    """Translates the events of ``responses.create(stream=True)`` and ``responses.stream()``.

    Args:
        tail: Whether the stream begins in the middle: what a part's end and the response's end
            repeat was told to somebody else.
    """

    def __init__(self, tail: bool = False) -> None:
        self.complete = False
        self.over = False
        self._tail = tail
        self._parts: dict[str, WrittenPart] = {}
        self._calls: dict[str, CallPart] = {}
        self._called = False
        self._wrote = False
        self._end: list[ModelEvent] = []
        self._last = ""

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one event; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        name = getattr(item, "type", None)
        if not isinstance(name, str):
            raise _unreadable(item)
        self._last = name
        stem, _, verb = name.rpartition(".")
        if stem in _WRITTEN and verb in ("delta", "done"):
            yield from self._written(item, _WRITTEN[stem], name, verb)
        elif name in ("response.content_part.added", "response.reasoning_summary_part.added"):
            kind = _PART_TYPES.get(getattr(getattr(item, "part", None), "type", None))
            if kind is None:
                yield ProviderEvent(name, item, name)
            else:
                yield from self._begin(kind, _part_id(item), name)
        elif name == "response.output_item.added":
            yield self._item_added(item, name)
        elif stem in ("response.function_call_arguments", "response.custom_tool_call_input"):
            yield from self._arguments(item, name, verb)
        elif name == "response.output_item.done":
            yield from self._item_done(item, name)
        else:
            yield from self._lifecycle(item, name)

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        if not self.complete:
            last = self._last or "nothing"
            raise ModelError(f"the response ended after {last}", code="truncated")
        yield from self._end

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the open parts; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        parts, self._parts = self._parts, {}
        for part in parts.values():
            yield from part.end(part.provider_event)

    def _begin(self, kind: type[WrittenPart], id: str, name: str) -> Iterator[ModelEvent]:
        self._wrote = True
        before = self._parts.pop(id, None)
        if before is not None:  # a server that names every part alike
            yield from before.end(name)
        begun_elsewhere = self._tail and not name.endswith(".added")
        part = self._parts[id] = kind(id, begun_elsewhere)
        events = list(part.begin(name))
        yield from events or [ProviderEvent(name, None, name)]

    def _written(
        self, item: Any, kind: type[WrittenPart], name: str, verb: str
    ) -> Iterator[ModelEvent]:
        id = _part_id(item)
        if id not in self._parts:
            # Compatible servers leave out the announcement.
            yield from (event for event in self._begin(kind, id, name) if event.type != "provider")
        part = self._parts[id]
        if verb == "delta":
            yield from part.write(item.delta or "", name)
            return
        text = getattr(item, "refusal" if kind is RefusalPart else "text", None)
        yield from part.complete(text, name)
        del self._parts[id]
        yield from part.end(name)

    def _item_added(self, item: Any, name: str) -> ModelEvent:
        added: Any = getattr(item, "item", None)
        if getattr(added, "type", None) not in _CALL_TYPES:
            return ProviderEvent(name, item, name)
        call = CallPart(_call_id(added), str(added.name or ""))
        self._calls[_item_key(item, added)] = call
        return call.begin(name)

    def _arguments(self, item: Any, name: str, verb: str) -> Iterator[ModelEvent]:
        key = _item_key(item, None)
        call = self._calls.get(key)
        if call is None:
            yield ProviderEvent(name, item, name)
        elif verb == "delta":
            yield from call.write(item.delta or "", name)
        else:
            del self._calls[key]
            self._called = True
            yield call.end(name, getattr(item, "arguments", None) or getattr(item, "input", None))

    def _item_done(self, item: Any, name: str) -> Iterator[ModelEvent]:
        done = getattr(item, "item", None)
        call = self._calls.pop(_item_key(item, done), None)
        if call is None:
            yield ProviderEvent(name, item, name)
            return
        self._called = True
        yield call.end(name, getattr(done, "arguments", None) or getattr(done, "input", None))

    def _lifecycle(self, item: Any, name: str) -> Iterator[ModelEvent]:
        message = getattr(item, "message", None)
        # Some servers send the error alone, whose type is its kind.
        if name == "error" or (message and not name.startswith("response.")):
            raise told_failure(
                str(message or "the provider sent an error"),
                getattr(item, "code", None),
                None if name == "error" else name,
            )
        response = getattr(item, "response", None)
        if name == "response.failed":
            error = getattr(response, "error", None)
            message = str(getattr(error, "message", None) or "the response failed")
            raise told_failure(message, getattr(error, "code", None))
        if name in ("response.completed", "response.incomplete"):
            self._conclude(response, name)
            return
        yield ProviderEvent(name, item, name)

    def _conclude(self, response: Any, name: str) -> None:
        self.complete = self.over = True
        self._end = [*self.close_parts()]
        if not self._wrote and not self._tail:
            self._end += self._unwritten(response, name)
        for call in self._calls.values():
            self._called = True
            self._end.append(call.end(name))
        usage = _usage(getattr(response, "usage", None), name)
        if usage is not None:
            self._end.append(usage)
        reason: FinishReason = "tool-calls" if self._called else "stop"
        status = getattr(response, "status", None)
        if name == "response.incomplete" or status == "incomplete":
            details = getattr(response, "incomplete_details", None)
            reason = _INCOMPLETE.get(getattr(details, "reason", None), "other")
        self._end.append(Finish(reason, str(getattr(response, "id", None) or ""), name))

    def _unwritten(self, response: Any, name: str) -> Iterator[ModelEvent]:
        """Give the text of a server that streams nothing but the finished response."""
        for item in getattr(response, "output", None) or ():
            for place, content in enumerate(getattr(item, "content", None) or ()):
                kind = _PART_TYPES.get(getattr(content, "type", None))
                text = getattr(content, "refusal" if kind is RefusalPart else "text", None)
                if kind is not None and text:
                    part = kind(f"{getattr(item, 'id', None) or 0}:{place}")
                    yield from part.begin(name)
                    yield from part.write(text, name)
                    yield from part.end(name)


def _part_id(item: Any) -> str:
    index = getattr(item, "content_index", None)
    if index is None:
        index = getattr(item, "summary_index", None)
    owner = getattr(item, "item_id", None) or getattr(item, "output_index", None) or 0
    return f"{owner}:{index or 0}"


def _item_key(item: Any, inner: Any) -> str:
    """Name an output item by its place: the id of a call is optional, its place is not."""
    index = getattr(item, "output_index", None)
    if index is not None:
        return str(index)
    return str(getattr(item, "item_id", None) or getattr(inner, "id", None) or 0)


def _call_id(call: Any) -> str:
    return str(getattr(call, "call_id", None) or getattr(call, "id", None) or "")


def _usage(usage: Any, name: str) -> Usage | None:
    if usage is None:
        return None
    details = {
        **counts(getattr(usage, "input_tokens_details", None)),
        **counts(getattr(usage, "output_tokens_details", None)),
    }
    return Usage(
        int(getattr(usage, "input_tokens", None) or 0),
        int(getattr(usage, "output_tokens", None) or 0),
        int(getattr(usage, "total_tokens", None) or 0),
        details,
        name,
    )


def counts(details: Any) -> dict[str, int]:
    """Pick the plain counts out of a provider's usage details.

    Args:
        details: A model of the SDK, or ``None``.

    Returns:
        Its integer fields by name.
    """
    fields: dict[str, Any] = getattr(details, "__dict__", {})
    return {
        key: value
        for key, value in fields.items()
        if isinstance(value, int) and not key.startswith("_")
    }


def _unreadable(item: Any) -> ModelError:
    message = getattr(item, "message", None)
    if message:
        return told_failure(str(message), getattr(item, "code", None))
    return ModelError(f"an event without a type: {type(item).__name__}", code="malformed")
