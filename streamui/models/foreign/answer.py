"""What of an answer is open, for the dialects of libraries that tell parts and calls apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from streamui.errors import NotJSONError, ToolError
from streamui.models.events import ModelEvent, ToolCall, ToolResult, Usage
from streamui.models.parts import CallPart, WrittenPart
from streamui.streamable.json_value import clean_text, to_json


class Answer:
    """The open parts and tool calls of an answer, each under a key of its library's.

    Attributes:
        waiting: The tool calls that are complete and have no result yet, by id.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, ToolCall] = {}
        self._parts: dict[object, WrittenPart] = {}
        self._calls: dict[object, CallPart] = {}
        self._begun = 0

    def write(
        self, kind: type[WrittenPart], key: object, delta: str, name: str
    ) -> Iterator[ModelEvent]:
        """Write into a part, which begins with that if it is not open.

        Args:
            kind: What it is.
            key: Which it is; another kind under the same key is another part.
            delta: More of it.
            name: The library's event.
        """
        part = self._parts.get(key)
        if part is None or type(part) is not kind:
            yield from self.end(key, name)
            part = self._parts[key] = kind(str(self._begun))
            self._begun += 1
            yield from part.begin(name)
        yield from part.write(delta, name)

    def end(self, key: object, name: str) -> Iterator[ModelEvent]:
        """End a part, if it is open."""
        part = self._parts.pop(key, None)
        if part is not None:
            yield from part.end(name)

    def begin_call(self, key: object, id: str, tool: str, name: str) -> Iterator[ModelEvent]:
        """Begin a tool call; one that is open under the same key is over."""
        yield from self.end_call(key, name)
        call = self._calls[key] = CallPart(id, tool)
        yield call.begin(name)

    def write_call(self, key: object, arguments: object, name: str) -> Iterator[ModelEvent]:
        """Write into a tool call's arguments; an object in place of JSON text is all of them."""
        call = self._calls.get(key)
        if call is not None and arguments:
            yield from call.write(json_text(arguments), name)

    def end_call(self, key: object, name: str, arguments: object = None) -> Iterator[ModelEvent]:
        """End a tool call, if it is open, with all of its arguments where the library has them."""
        call = self._calls.pop(key, None)
        if call is not None:
            made = call.end(name, json_text(arguments) if arguments else None)
            if isinstance(made, ToolCall):
                self.waiting[made.id] = made
            yield made

    def close(self, name: str) -> Iterator[ModelEvent]:
        """End all parts and calls that are open."""
        for key in list(self._parts):
            yield from self.end(key, name)
        for key in list(self._calls):
            yield from self.end_call(key, name)

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the parts that are open, because the stream broke."""
        parts, self._parts = self._parts, {}
        for part in parts.values():
            yield from part.end(part.provider_event)

    def result(self, id: str, tool: str, value: object, name: str, failure: str = "") -> ToolResult:
        """Make the event of a tool's result.

        Args:
            id: The tool call's.
            tool: The tool; where the library does not say, the call does.
            value: What it gave.
            name: The library's event.
            failure: A code of :class:`~streamui.errors.ToolError`, if it failed.
        """
        call = self.waiting.pop(id, None)
        tool = tool or (call.name if call is not None else "")
        if failure:
            return ToolResult(id, tool, None, failure, ToolError.sentences[failure], name)
        return ToolResult(id, tool, as_json(value), provider_event=name)


def add(first: Usage | None, more: Usage | None) -> Usage | None:
    """Add up what several calls of a model cost."""
    if first is None or more is None:
        return first or more
    details = dict(first.details)
    for key, count in more.details.items():
        details[key] = details.get(key, 0) + count
    return Usage(
        first.input_tokens + more.input_tokens,
        first.output_tokens + more.output_tokens,
        first.total_tokens + more.total_tokens,
        details,
        more.provider_event,
    )


def as_json(value: object) -> Any:
    """Return what a tool gave as JSON; what is none as its text, as the libraries do."""
    try:
        return to_json(value)
    except NotJSONError:
        return clean_text(str(value))


def json_text(arguments: object) -> str:
    """Return arguments as the JSON text that they are in every other event."""
    return arguments if isinstance(arguments, str) else json.dumps(as_json(arguments))


def json_object(arguments: object) -> dict[str, Any]:
    """Read the arguments of a call; empty where they are no object."""
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        value = None
    read = as_json(value)
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


def field_of(item: Any, name: str) -> Any:
    """Read a field of an object or of a mapping; ``None`` where it has none."""
    if isinstance(item, Mapping):
        return cast("Mapping[str, Any]", item).get(name)
    return getattr(item, name, None)


def count_of(value: object) -> int:
    """Return a count, and 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def counts_of(details: object) -> dict[str, int]:
    """Pick the plain counts out of a mapping."""
    if not isinstance(details, Mapping):
        return {}
    items = cast("Mapping[Any, Any]", details)
    return {str(key): count_of(value) for key, value in items.items() if isinstance(value, int)}
