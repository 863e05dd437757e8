"""What LangChain's models and runnables tell, as model events.

Chunks of ``model.astream()`` or ``model.stream()``, and the events of ``astream_events()`` as in
https://reference.langchain.com/python/langchain_core/runnables/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from streamui.errors import ModelError
from streamui.models.events import Finish, FinishReason, ModelEvent, ProviderEvent, Usage
from streamui.models.foreign.answer import Answer, add, count_of, counts_of, field_of
from streamui.models.parts import ReasoningPart, TextPart, WrittenPart

CHUNK = "message"

# Each provider's word for it, in the metadata of the last chunk.
_SAID = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "completed": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "content_filter": "content-filter",
    "safety": "content-filter",
    "refusal": "content-filter",
    "tool_calls": "tool-calls",
    "tool_use": "tool-calls",
}


class LangChainDialect:
    """Translates the chunks of a model, or the events of anything that runs."""

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self._messages: dict[str, _Message] = {}
        self._answer = Answer()
        self._root: str | None = None
        self._usage: Usage | None = None
        self._finish = Finish("stop")

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one chunk or event; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        if isinstance(item, Mapping):
            yield from self._event(cast("Mapping[str, Any]", item))
        elif hasattr(item, "content"):
            self._root = ""
            yield from self._message("").write(item, CHUNK)
        else:
            raise ModelError(f"{type(item).__name__} is no message", code="malformed")

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        if self._root == "":
            yield from self._over("", CHUNK)
        elif not self.complete:
            raise ModelError("the events ended before the run", code="truncated")
        if self._usage is not None:
            yield self._usage
        yield self._finish

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the open parts; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        yield from self._answer.close_parts()

    def _message(self, run: str) -> _Message:
        return self._messages.setdefault(run, _Message(run, self._answer))

    def _event(self, item: Mapping[str, Any]) -> Iterator[ModelEvent]:
        name, run = item.get("event"), item.get("run_id")
        data = item.get("data")
        if not isinstance(name, str) or not isinstance(run, str) or not isinstance(data, Mapping):
            raise ModelError("an event without a name or a run", code="malformed")
        said = cast("Mapping[str, Any]", data)
        self._root = self._root or run
        if name in ("on_chat_model_stream", "on_llm_stream"):
            yield from self._message(run).write(said.get("chunk"), name)
        elif name in ("on_chat_model_end", "on_llm_end"):
            if run not in self._messages and hasattr(said.get("output"), "content"):
                yield from self._message(run).write(said["output"], name)
            yield from self._over(run, name)
        elif name in ("on_tool_end", "on_tool_error"):
            yield self._result(said, item, name)
        else:
            yield ProviderEvent(name, item, name)
        if run == self._root and name.endswith("_end"):
            self.complete = self.over = True

    def _over(self, run: str, name: str) -> Iterator[ModelEvent]:
        message = self._messages.pop(run, None)
        if message is not None:
            yield from message.end(name)
            self._usage = add(self._usage, message.usage)
            self._finish = Finish(message.reason(), message.id, name)

    def _result(self, data: Mapping[str, Any], item: Mapping[str, Any], name: str) -> ModelEvent:
        output = data.get("output")
        id = getattr(output, "tool_call_id", None) or data.get("tool_call_id") or item["run_id"]
        failed = name == "on_tool_error" or getattr(output, "status", "") == "error"
        value = getattr(output, "artifact", None)
        value = getattr(output, "content", output) if value is None else value
        tool = str(item.get("name") or "")
        return self._answer.result(str(id), tool, value, name, "failed" if failed else "")


class _Message:
    """What one call of a model gives."""

    def __init__(self, run: str, answer: Answer) -> None:
        self.id = ""
        self.usage: Usage | None = None
        self._run = run
        self._answer = answer
        self._kind: type[WrittenPart] | None = None
        self._calls: list[object] = []
        self._known = False
        self._said = ""

    def write(self, chunk: Any, name: str) -> Iterator[ModelEvent]:
        """Pass on a chunk: a message, or the text of a model that does not chat."""
        content = getattr(chunk, "content", None)
        if content is None:
            content = getattr(chunk, "text", chunk)
        said = False
        for event in self._content(chunk, content, name):
            said = True
            yield event
        for each in getattr(chunk, "tool_call_chunks", None) or ():
            said = True
            yield from self._call(each, name)
        self._look(chunk, name)
        if not said:
            yield ProviderEvent(name, chunk, name)

    def end(self, name: str) -> Iterator[ModelEvent]:
        """End its parts and its calls."""
        yield from self._answer.end(self._run, name)
        for key in self._calls:
            yield from self._answer.end_call(key, name)

    def reason(self) -> FinishReason:
        """Say why it ended.

        Raises:
            ModelError: ``truncated``: its provider did not say, so it was cut off, which LangChain
                takes for an end. A model that names no provider, such as its own for tests, says
                nothing.
        """
        if self._known and not self._said:
            raise ModelError("the model's answer has no finish reason", code="truncated")
        reason = _REASONS.get(self._said.lower(), "other") if self._said else "stop"
        return "tool-calls" if self._calls and reason == "stop" else reason

    def _content(self, chunk: Any, content: Any, name: str) -> Iterator[ModelEvent]:
        if isinstance(content, str):
            # Where DeepSeek's and others' adapters put it.
            more = field_of(getattr(chunk, "additional_kwargs", None), "reasoning_content")
            yield from self._write(ReasoningPart, more, name)
            yield from self._write(TextPart, content, name)
            return
        for block in getattr(chunk, "content_blocks", None) or ():
            if block.get("type") == "text":
                yield from self._write(TextPart, block.get("text"), name)
            elif block.get("type") == "reasoning":
                yield from self._write(ReasoningPart, block.get("reasoning"), name)

    def _write(self, kind: type[WrittenPart], delta: object, name: str) -> Iterator[ModelEvent]:
        if isinstance(delta, str) and delta:
            yield from self._answer.write(kind, self._run, delta, name)

    def _call(self, each: Mapping[str, Any], name: str) -> Iterator[ModelEvent]:
        key = (self._run, each.get("index"))
        if key not in self._calls:
            self._calls.append(key)
            yield from self._answer.end(self._run, name)
            id = str(each.get("id") or f"call_{len(self._calls) - 1}")
            yield from self._answer.begin_call(key, id, str(each.get("name") or ""), name)
        yield from self._answer.write_call(key, each.get("args"), name)

    def _look(self, chunk: Any, name: str) -> None:
        usage = getattr(chunk, "usage_metadata", None)
        if usage:
            details = counts_of(usage.get("input_token_details"))
            details |= counts_of(usage.get("output_token_details"))
            counted = Usage(
                count_of(usage.get("input_tokens")),
                count_of(usage.get("output_tokens")),
                count_of(usage.get("total_tokens")),
                details,
                name,
            )
            self.usage = add(self.usage, counted)
        about: Mapping[str, Any] = getattr(chunk, "response_metadata", None) or {}
        if about:
            self._known = self._known or bool(
                about.get("model_provider") or about.get("model_name")
            )
            self._said = next((str(about[x]) for x in _SAID if about.get(x)), self._said)
            incomplete = about.get("incomplete_details")
            if isinstance(incomplete, Mapping):
                self._said = str(cast("Mapping[str, Any]", incomplete).get("reason"))
            self.id = str(about.get("id") or self.id)
