"""OpenAI's Chat Completions stream, as many servers speak it, as model events.

Chunks as in https://platform.openai.com/docs/api-reference/chat-streaming. Of several choices
(``n``) only the first is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamui.errors import ModelError
from streamui.models.events import Finish, FinishReason, ModelEvent, ProviderEvent, Usage
from streamui.models.failures import told_failure
from streamui.models.openai_responses import counts
from streamui.models.parts import CallPart, ReasoningPart, RefusalPart, TextPart, WrittenPart

CHUNK = "chat.completion.chunk"

_HELPER_EVENTS = ("content.", "refusal.", "tool_calls.", "logprobs.")

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
}


class ChatDialect:
    """Translates ``chat.completions.create(stream=True)`` and ``chat.completions.stream()``."""

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self._part: WrittenPart | None = None
        self._number = 0
        self._calls: dict[int, CallPart] = {}
        self._id = ""
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one chunk; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        kind = _said(item, "type")
        if kind == "chunk":
            item = item.chunk
        elif isinstance(kind, str) and kind.startswith(_HELPER_EVENTS):
            # The SDK's helper events repeat what the chunk before them said.
            return
        choices: Any = getattr(item, "choices", None)
        if not isinstance(choices, list):
            raise _unreadable(item)
        self._id = str(getattr(item, "id", None) or self._id)
        self._read_usage(getattr(item, "usage", None))
        said = False
        for choice in choices:  # pyright: ignore[reportUnknownVariableType] -- the SDK's, or not
            if (getattr(choice, "index", 0) or 0) == 0:  # pyright: ignore[reportUnknownArgumentType]
                for event in self._choice(choice):
                    said = True
                    yield event
        if not said:
            yield ProviderEvent(CHUNK, item, CHUNK)

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        if self._reason is None:
            raise ModelError("the chat stream ended without a finish reason", code="truncated")
        yield from self.close_parts()
        if self._usage is not None:
            yield self._usage
        yield Finish(self._reason, self._id, CHUNK)

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the open part; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        part, self._part = self._part, None
        if part is not None:
            yield from part.end(CHUNK)

    def _choice(self, choice: Any) -> Iterator[ModelEvent]:
        delta = getattr(choice, "delta", None)
        # The reasoning fields are those of DeepSeek and vLLM, and of OpenRouter.
        reasoning = _said(delta, "reasoning_content") or _said(delta, "reasoning")
        if reasoning:
            yield from self._write(ReasoningPart, reasoning)
        if content := getattr(delta, "content", None):
            yield from self._write(TextPart, content)
        if refusal := getattr(delta, "refusal", None):
            yield from self._write(RefusalPart, refusal)
        for place, call in enumerate(getattr(delta, "tool_calls", None) or ()):
            yield from self._call(call, place)
        reason = getattr(choice, "finish_reason", None)
        if reason == "error":  # OpenRouter's
            raise told_failure("the provider ended the answer with an error", "server_error")
        if reason:
            yield from self.close_parts()
            for call in self._calls.values():
                yield call.end(CHUNK)
            called = bool(self._calls)
            self._calls = {}
            self._reason = _REASONS.get(str(reason), "other")
            self.complete = True  # Not over: the usage may follow.
            if called and self._reason == "stop":
                self._reason = "tool-calls"

    def _write(self, kind: type[WrittenPart], delta: object) -> Iterator[ModelEvent]:
        if not isinstance(delta, str):
            return
        if not isinstance(self._part, kind):
            yield from self.close_parts()
            self._part = kind(f"{self._number}")
            self._number += 1
            yield from self._part.begin(CHUNK)
        yield from self._part.write(delta, CHUNK)

    def _call(self, said: Any, place: int) -> Iterator[ModelEvent]:
        index = getattr(said, "index", None)
        index = place if index is None else int(index)
        function = getattr(said, "function", None)
        call = self._calls.get(index)
        if call is None:
            yield from self.close_parts()
            name = str(getattr(function, "name", None) or "")
            # Some servers give calls no id. Two of one answer's steps must not have the same: who
            # approves of one would approve of the other.
            made_up = f"call_{self._id}_{index}" if self._id else f"call_{index}"
            call = CallPart(str(getattr(said, "id", None) or made_up), name)
            self._calls[index] = call
            yield call.begin(CHUNK)
        yield from call.write(getattr(function, "arguments", None) or "", CHUNK)

    def _read_usage(self, usage: Any) -> None:
        # Some servers count in every chunk: the last count is the one that holds.
        if usage is None:
            return
        self._usage = Usage(
            int(getattr(usage, "prompt_tokens", None) or 0),
            int(getattr(usage, "completion_tokens", None) or 0),
            int(getattr(usage, "total_tokens", None) or 0),
            {
                **counts(getattr(usage, "prompt_tokens_details", None)),
                **counts(getattr(usage, "completion_tokens_details", None)),
            },
            CHUNK,
        )


def _said(item: Any, name: str) -> Any:
    """Read a field that mostly is not there, for which pydantic's ``getattr`` takes long."""
    fields = getattr(item, "__dict__", None)
    if fields is None:
        return getattr(item, name, None)
    more: Any = getattr(item, "__pydantic_extra__", None) or {}
    return fields[name] if name in fields else more.get(name)


def _unreadable(item: Any) -> ModelError:
    message = getattr(item, "message", None)
    if message:
        return told_failure(str(message), getattr(item, "code", None), getattr(item, "type", None))
    return ModelError("a chunk without choices", code="malformed")
