"""AG-UI's events as model events: objects of ``ag_ui.core``, or their JSON.

Events as in https://docs.ag-ui.com/concepts/events.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

from streamui.errors import (
    ModelError,
    ProtocolError,
    StreamCancelledError,
    StreamConnectionError,
    StreamInterruptedError,
    StreamNotFoundError,
)
from streamui.models.events import Finish, ModelEvent, ProviderEvent, ToolApproval, Usage
from streamui.models.failures import caused, code_of, told_failure
from streamui.models.foreign.answer import Answer, add, count_of, json_object
from streamui.models.parts import ReasoningPart, TextPart, WrittenPart

_PARTS: dict[str, type[WrittenPart]] = {
    "TEXT_MESSAGE": TextPart,
    "REASONING_MESSAGE": ReasoningPart,
}
_DETAILS = {
    "cached_tokens": "cached_input_tokens",
    "cache_write_tokens": "cache_write_input_tokens",
    "reasoning_tokens": "reasoning_tokens",
}


class JSONEvents(AsyncIterator[object]):
    """The JSON of an event stream's data.

    Args:
        stream: From :func:`~streamui.http.consume.consume_event_stream`.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._begun = False

    async def __anext__(self) -> object:
        try:
            event = await anext(self._stream)
            self._begun = True
            return json.loads(event.data)
        except StopAsyncIteration:
            if not self._begun:
                raise ModelError("no event at all", code="truncated") from None
            raise
        except StreamInterruptedError as error:
            raise caused(error, "truncated") from error
        except StreamNotFoundError as error:
            raise caused(error, "not_found") from error
        except StreamConnectionError as error:
            code = code_of(None, None, error.status) if error.status else "connection"
            raise caused(error, code, retry_after=error.retry_after) from error
        except (ProtocolError, ValueError, RecursionError) as error:
            raise caused(error, "malformed") from error

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


class AGUIDialect:
    """Translates the events of one run of an agent, however they came."""

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self._answer = Answer()
        self._chunk: tuple[str, object] | None = None
        self._not_ours: set[object] = set()
        self._end: list[ModelEvent] = []

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one event; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        name = _get(item, "type")
        name = getattr(name, "value", name)
        if not isinstance(name, str):
            raise ModelError("an event without a type", code="malformed")
        stem, _, verb = name.rpartition("_")
        if verb != "CHUNK" and self._chunk is not None:
            yield from self._close_chunk(name)
        if stem in _PARTS:
            yield from self._part(item, _PARTS[stem], verb, name)
        elif stem == "TOOL_CALL":
            yield from self._call(item, verb, name)
        elif name == "RUN_FINISHED":
            yield from self._conclude(item, name)
        elif name == "RUN_ERROR":
            message = str(_get(item, "message") or "the run failed")
            raise told_failure(message, _get(item, "code"))
        else:
            yield ProviderEvent(name, item, name)

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        if not self.complete:
            raise ModelError("the events ended before RUN_FINISHED", code="truncated")
        yield from self._end

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the open parts; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        yield from self._answer.close_parts()

    def _part(
        self, item: Any, kind: type[WrittenPart], verb: str, name: str
    ) -> Iterator[ModelEvent]:
        id = _get(item, "message_id")
        if verb == "CHUNK":
            id = id or (self._chunk[1] if self._chunk and self._chunk[0] == "part" else "")
            yield from self._turn_to("part", id, name)
        if verb in ("START", "CHUNK") and _get(item, "role") not in (
            None,
            "assistant",
            "reasoning",
        ):
            self._not_ours.add(id)
        if id in self._not_ours:
            yield ProviderEvent(name, item, name)
        elif verb == "START":
            yield from self._answer.write(kind, id, "", name)
        elif verb in ("CONTENT", "CHUNK"):
            yield from self._answer.write(kind, id, _delta(item, name), name)
        elif verb == "END":
            yield from self._answer.end(id, name)

    def _call(self, item: Any, verb: str, name: str) -> Iterator[ModelEvent]:
        id = _get(item, "tool_call_id")
        if verb == "CHUNK":
            id = id or (self._chunk[1] if self._chunk and self._chunk[0] == "call" else "")
            if self._chunk != ("call", id):
                yield from self._turn_to("call", id, name)
                yield from self._begin(item, id, name)
            yield from self._answer.write_call(id, _delta(item, name), name)
        elif verb == "START":
            yield from self._begin(item, id, name)
        elif verb == "ARGS":
            yield from self._answer.write_call(id, _delta(item, name), name)
        elif verb == "END":
            yield from self._answer.end_call(id, name)
        elif verb == "RESULT":
            yield self._answer.result(str(id), "", _get(item, "content"), name)

    def _begin(self, item: Any, id: object, name: str) -> Iterator[ModelEvent]:
        tool = str(_get(item, "tool_call_name") or "")
        yield from self._answer.begin_call(id, str(id), tool, name)

    def _turn_to(self, what: str, id: object, name: str) -> Iterator[ModelEvent]:
        """Go on to another part or call; a chunk does not say that the one before is over."""
        if self._chunk != (what, id):
            yield from self._close_chunk(name)
            self._chunk = what, id

    def _close_chunk(self, name: str) -> Iterator[ModelEvent]:
        if self._chunk is not None:
            what, id = self._chunk
            self._chunk = None
            end = self._answer.end if what == "part" else self._answer.end_call
            yield from end(id, name)

    def _conclude(self, item: Any, name: str) -> Iterator[ModelEvent]:
        yield from self._answer.close(name)
        outcome = _get(item, "outcome")
        how = _get(outcome, "type")
        if how == "cancelled":
            raise StreamCancelledError("the run was cancelled")
        self.complete = self.over = True
        interrupts: Any = (_get(outcome, "interrupts") if how == "interrupt" else None) or ()
        approvals = [each for interrupt in interrupts if (each := self._approval(interrupt, name))]
        called = how == "interrupt" or self._answer.waiting
        usage = _usage(_get(item, "usage"), name)
        finish = Finish("tool-calls" if called else "stop", str(_get(item, "run_id") or ""), name)
        self._end = [*approvals, *([usage] if usage else []), finish]

    def _approval(self, interrupt: Any, name: str) -> ToolApproval | None:
        id = _get(interrupt, "tool_call_id")
        call = self._answer.waiting.get(str(id))
        if call is None:
            return None
        return ToolApproval(call.id, call.name, json_object(call.arguments), name)


def _get(item: Any, name: str) -> Any:
    """Read a field: by its Python name of an object, by its JSON name of a mapping."""
    if isinstance(item, Mapping):
        first, *rest = name.split("_")
        fields = cast("Mapping[str, Any]", item)
        return fields.get(first + "".join(word.capitalize() for word in rest))
    return getattr(item, name, None)


def _delta(item: Any, name: str) -> str:
    delta = _get(item, "delta")
    if delta is None and name.endswith("_CHUNK"):
        return ""
    if not isinstance(delta, str):
        raise ModelError(f"{name} without its delta", code="malformed")
    return delta


def _usage(counted: Any, name: str) -> Usage | None:
    total: Usage | None = None
    for each in cast("list[Any]", counted) if isinstance(counted, list) else ():
        taken, given = (count_of(_get(each, f"{x}_tokens")) for x in ("input", "output"))
        both = count_of(_get(each, "total_tokens")) or taken + given
        details = {key: count_of(_get(each, field)) for key, field in _DETAILS.items()}
        total = add(total, Usage(taken, given, both, details, name))
    return total
