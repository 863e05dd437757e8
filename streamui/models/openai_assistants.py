"""OpenAI's Assistants stream, for the servers that still speak it, as model events.

Events as in https://platform.openai.com/docs/api-reference/assistants-streaming/events. OpenAI's
own server has ended it on 26 August 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from streamui.errors import ModelError, StreamCancelledError
from streamui.models.events import Finish, FinishReason, ModelEvent, ProviderEvent, Usage
from streamui.models.failures import told_failure
from streamui.models.parts import CallPart, RefusalPart, TextPart, WrittenPart

_PART_TYPES: dict[object, type[WrittenPart]] = {"text": TextPart, "refusal": RefusalPart}
_INCOMPLETE: dict[object, FinishReason] = {
    "max_completion_tokens": "length",
    "max_prompt_tokens": "length",
    "content_filter": "content-filter",
}


def is_assistants(item: object) -> bool:
    """Say whether an item is an event of this API: a name, and the data that belong to it."""
    return hasattr(item, "event") and hasattr(item, "data")


class AssistantsDialect:
    """Translates the events of ``beta.threads.runs`` and ``threads.create_and_run``.

    A run that waits for what its tools give has come to an end as far as its stream goes: the
    finish says ``tool-calls`` and names the run. Its thread, too, is in
    :attr:`~streamui.models.reader.ModelEvents.run`: the results go there.
    """

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self._parts: dict[str, WrittenPart] = {}
        self._calls: dict[str, CallPart] = {}
        self._places: dict[str, str] = {}
        self._spent: list[Usage] = []
        self._end: list[ModelEvent] = []
        self._last = ""
        self._translations: dict[str, Callable[[Any, str], Iterable[ModelEvent]]] = {
            "thread.message.delta": self._written,
            "thread.message.completed": self._message_ended,
            "thread.message.incomplete": self._message_ended,
            "thread.run.step.delta": self._step_delta,
            "thread.run.requires_action": self._asks,
            "thread.run.completed": self._conclude,
            "thread.run.incomplete": self._conclude,
        }

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one event; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        name, data = getattr(item, "event", None), getattr(item, "data", None)
        if name == "error" or not isinstance(name, str):
            raise _unreadable(data, name)
        self._last = name
        if data is None:
            raise ModelError(f"{name} without data", code="malformed")
        translate = self._translations.get(name)
        if translate is None:
            self._note(data, name)
            yield ProviderEvent(name, data, name)
            return
        said = False
        for event in translate(data, name):
            said = True
            yield event
        if not said and not self.over:
            yield ProviderEvent(name, data, name)

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        if not self.complete:
            last = self._last or "nothing"
            raise ModelError(f"the run's stream ended after {last}", code="truncated")
        yield from self._end

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the open parts; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        parts, self._parts = self._parts, {}
        for part in parts.values():
            yield from part.end(part.provider_event)

    def _note(self, data: Any, name: str) -> None:
        """Take what has no event of its own but a meaning: costs and failures."""
        if name == "thread.run.step.completed":
            spent = _usage(getattr(data, "usage", None), name)
            if spent is not None:
                self._spent.append(spent)
        elif name == "thread.run.failed":
            raise _told(getattr(data, "last_error", None), "the run failed")
        elif name == "thread.run.expired":
            raise ModelError("the run has expired", code="timeout")
        elif name == "thread.run.cancelled":
            raise StreamCancelledError("the run was cancelled at the provider")

    def _written(self, data: Any, name: str) -> Iterator[ModelEvent]:
        more = False
        for content in getattr(data.delta, "content", None) or ():
            kind = _PART_TYPES.get(getattr(content, "type", None))
            text = _text_of(content)
            more = more or kind is None or bool(_annotations(content))
            if kind is not None and text:
                yield from self._part(kind, data, content.index, name)
                yield from self._parts[_part_id(data, content.index)].write(text, name)
        if more:
            # What a text refers to, and pictures, have no event of their own.
            yield ProviderEvent(name, data, name)

    def _part(
        self, kind: type[WrittenPart], message: Any, place: int, name: str
    ) -> Iterator[ModelEvent]:
        id = _part_id(message, place)
        if id not in self._parts:
            self._parts[id] = kind(id)
            yield from self._parts[id].begin(name)

    def _message_ended(self, message: Any, name: str) -> Iterator[ModelEvent]:
        if getattr(message, "role", None) == "user":
            return
        for place, content in enumerate(getattr(message, "content", None) or ()):
            kind = _PART_TYPES.get(getattr(content, "type", None))
            text = _text_of(content)
            if kind is not None and text:
                # Some servers do not stream a message but give it whole.
                yield from self._part(kind, message, place, name)
                yield from self._parts[_part_id(message, place)].complete(text, name)
        for id in [id for id in self._parts if id.rpartition(":")[0] == message.id]:
            yield from self._parts.pop(id).end(name)

    def _step_delta(self, data: Any, name: str) -> Iterator[ModelEvent]:
        details = getattr(data.delta, "step_details", None)
        more = False
        for said in getattr(details, "tool_calls", None) or ():
            if getattr(said, "type", None) != "function":
                more = True
                continue
            place = f"{data.id}:{said.index}"
            function = getattr(said, "function", None)
            id = self._places.get(place)
            if id is None:
                id = self._places[place] = str(getattr(said, "id", None) or place)
                self._calls[id] = CallPart(id, str(getattr(function, "name", None) or ""))
                yield self._calls[id].begin(name)
            yield from self._calls[id].write(getattr(function, "arguments", None) or "", name)
        if more:
            yield ProviderEvent(name, data, name)

    def _asks(self, run: Any, name: str) -> Iterator[ModelEvent]:
        action = getattr(run, "required_action", None)
        wanted = getattr(getattr(action, "submit_tool_outputs", None), "tool_calls", None)
        if not wanted:
            raise ModelError("the run requires an action and names none", code="malformed")
        yield from self.close_parts()
        for call in wanted:
            part = self._calls.get(call.id)
            if part is None:
                part = CallPart(str(call.id), str(call.function.name or ""))
                yield part.begin(name)
            yield part.end(name, call.function.arguments)
        self._finish("tool-calls", run, name)

    def _conclude(self, run: Any, name: str) -> Iterable[ModelEvent]:
        self._end = [*self.close_parts()]
        usage = _usage(getattr(run, "usage", None), name) or _sum(self._spent)
        if usage is not None:
            self._end.append(usage)
        reason: FinishReason = "stop"
        if name == "thread.run.incomplete":
            details = getattr(run, "incomplete_details", None)
            reason = _INCOMPLETE.get(getattr(details, "reason", None), "other")
        self._finish(reason, run, name)
        return ()

    def _finish(self, reason: FinishReason, run: Any, name: str) -> None:
        self.complete = self.over = True
        self._end.append(Finish(reason, str(getattr(run, "id", None) or ""), name))


def _part_id(message: Any, place: int) -> str:
    return f"{message.id}:{place}"


def _text_of(content: Any) -> str:
    """Read the text of a block, whole or a delta: an object in a delta's, both in a message's."""
    text = getattr(content, "refusal", None) or getattr(content, "text", None)
    return getattr(text, "value", None) or "" if not isinstance(text, str) else text


def _annotations(content: Any) -> object:
    return getattr(getattr(content, "text", None), "annotations", None)


def _unreadable(data: Any, name: object) -> ModelError:
    message = getattr(data, "message", None)
    if name != "error" and not message:
        return ModelError("an event without a name", code="malformed")
    return _told(data, "the provider sent an error", getattr(data, "type", None))


def _told(error: Any, otherwise: str, kind: object = None) -> ModelError:
    message = str(getattr(error, "message", None) or otherwise)
    return told_failure(message, getattr(error, "code", None), kind)


def _usage(usage: Any, name: str) -> Usage | None:
    if usage is None:
        return None
    return Usage(
        int(getattr(usage, "prompt_tokens", None) or 0),
        int(getattr(usage, "completion_tokens", None) or 0),
        int(getattr(usage, "total_tokens", None) or 0),
        provider_event=name,
    )


def _sum(spent: list[Usage]) -> Usage | None:
    if not spent:
        return None
    return Usage(
        sum(each.input_tokens for each in spent),
        sum(each.output_tokens for each in spent),
        sum(each.total_tokens for each in spent),
        provider_event=spent[-1].provider_event,
    )
