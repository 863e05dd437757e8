"""``POST /v1/chat/completions`` on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

from streamui.models.demo.answer import Answer
from streamui.models.demo.talk import Message
from streamui.models.demo.wire import error_body, new_id, sse


class ChatWire:
    """One chat completion: the same object for its stream and for its whole form.

    Args:
        request: The request's JSON.
        messages: The talk up to the question, for counting.
    """

    def __init__(self, request: dict[str, Any], messages: tuple[Message, ...]) -> None:
        self._head = {
            "id": new_id("chatcmpl").replace("_", "-"),
            "created": int(time.time()),
            "model": str(request.get("model") or "streamui-demo"),
            "service_tier": "default",
            "system_fingerprint": "fp_streamui_demo",
        }
        options = request.get("stream_options")
        self._counting = isinstance(options, dict) and bool(
            cast("dict[str, Any]", options).get("include_usage")
        )
        self._input = sum(len(message.text.split()) for message in messages)
        self._field = "content"

    def opening(self) -> bytes:  # noqa: D102 -- as its protocol says
        return b""

    def reasoning(self, answer: Answer) -> Iterator[bytes]:  # noqa: D102 -- as its protocol says
        # Not OpenAI's, which keeps its reasoning to itself here, but DeepSeek's and vLLM's.
        for place, piece in enumerate(answer.reasoning):
            first = {"role": "assistant", "content": None} if place == 0 else {}
            yield self._chunk({**first, "reasoning_content": piece})

    def begin(self, answer: Answer) -> bytes:  # noqa: D102 -- as its protocol says
        self._field = "refusal" if answer.steering.refuse else "content"
        if answer.reasoning:
            return b""
        first = {"content": None, "refusal": ""} if answer.steering.refuse else {"content": ""}
        return self._chunk({"role": "assistant", "refusal": None, **first})

    def delta(self, delta: str) -> bytes:  # noqa: D102 -- as its protocol says
        return self._chunk({self._field: delta})

    def closing(self, answer: Answer) -> bytes:  # noqa: D102 -- as its protocol says
        end = self._chunk({}, self._reason(answer))
        if self._counting:
            end += self._event({"choices": [], "usage": self._usage(answer)})
        return end + b"data: [DONE]\n\n"

    def error(self, status: int, message: str) -> bytes:  # noqa: D102 -- as its protocol says
        return sse("", {"error": error_body(status, message)})

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Make the finished completion.

        Args:
            answer: What it says.
        """
        refused = answer.steering.refuse
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if refused else answer.text,
            "refusal": answer.text if refused else None,
            "annotations": [],
        }
        if answer.reasoning:
            message["reasoning_content"] = answer.thought
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self._reason(answer),
        }
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(answer),
        }

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        usage = {"usage": None} if self._counting else {}
        return self._event({"choices": [choice], **usage})

    def _event(self, data: dict[str, Any]) -> bytes:
        return sse("", {**self._head, "object": "chat.completion.chunk", **data})

    def _reason(self, answer: Answer) -> str:
        return "length" if answer.cut_short else "stop"

    def _usage(self, answer: Answer) -> dict[str, Any]:
        reasoned = len(answer.reasoning)
        written = reasoned + len(answer.deltas)
        return {
            "prompt_tokens": self._input,
            "completion_tokens": written,
            "total_tokens": self._input + written,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": reasoned,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }
