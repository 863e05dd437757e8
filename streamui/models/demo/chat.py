"""``POST /v1/chat/completions`` on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

from streamui.models.demo.answer import Answer, Call
from streamui.models.demo.ask import Ask
from streamui.models.demo.wire import Piece, error_body, new_id, sse


class ChatWire:
    """One chat completion: the same object for its stream and for its whole form.

    Args:
        ask: The request.
    """

    def __init__(self, ask: Ask) -> None:
        request = ask.body
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
        self._input = ask.size
        self._named = ask.named

    def opening(self) -> bytes:  # noqa: D102 -- as its protocol says
        return b""

    def pieces(self, answer: Answer) -> Iterator[Piece]:  # noqa: D102 -- as its protocol says
        # Not OpenAI's, which keeps its reasoning to itself here, but DeepSeek's and vLLM's.
        for place, piece in enumerate(answer.reasoning):
            first = {"role": "assistant", "content": None} if place == 0 else {}
            yield Piece(self._chunk({**first, "reasoning_content": piece}), "thought")
        refused = answer.steering.refuse
        if not answer.reasoning:
            empty = {"content": "" if answer.speaks and not refused else None}
            first = {"role": "assistant", **empty, "refusal": "" if refused else None}
            yield Piece(self._chunk(first), "frame")
        field = "refusal" if refused else "content"
        for delta in answer.deltas:
            yield Piece(self._chunk({field: delta}), "word")
        for index, call in enumerate(answer.calls):
            function = {"name": call.name, "arguments": ""}
            begun = {"index": index, "id": _id(call), "type": "function", "function": function}
            yield Piece(self._chunk({"tool_calls": [begun]}), "frame")
            for delta in call.deltas:
                more = {"index": index, "function": {"arguments": delta}}
                yield Piece(self._chunk({"tool_calls": [more]}), "word")

    def closing(self, answer: Answer) -> bytes:  # noqa: D102 -- as its protocol says
        end = self._chunk({}, self._reason(answer))
        if self._counting:
            end += self._event({"choices": [], "usage": self._usage(answer)})
        return end + b"data: [DONE]\n\n"

    def error(self, status: int, message: str, code: str = "") -> bytes:  # noqa: D102 -- as its protocol says
        return sse("", {"error": error_body(status, message, code)})

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Make the finished completion.

        Args:
            answer: What it says.
        """
        refused = answer.steering.refuse
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text if answer.speaks and not refused else None,
            "refusal": answer.text if refused else None,
            "annotations": [],
        }
        if answer.reasoning:
            message["reasoning_content"] = answer.thought
        if answer.calls:
            message["tool_calls"] = [
                {
                    "id": _id(call),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in answer.calls
            ]
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
        if answer.cut_short:
            return "length"
        # Who names the function does not need to be told that there is one.
        return "tool_calls" if answer.calls and not self._named else "stop"

    def _usage(self, answer: Answer) -> dict[str, Any]:
        reasoned = len(answer.reasoning)
        written = reasoned + answer.words
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


def _id(call: Call) -> str:
    return call.id or new_id("call")
