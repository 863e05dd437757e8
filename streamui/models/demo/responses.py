"""``POST /v1/responses`` on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

from streamui.models.demo.answer import Answer, Call
from streamui.models.demo.ask import Ask
from streamui.models.demo.items import conversation_id
from streamui.models.demo.wire import Piece, error_body, new_id, sse

_PARTS = ("text", "tools", "reasoning")


class ResponsesWire:
    """One response: the same object for its stream and for its whole form.

    Args:
        ask: The request.
    """

    def __init__(self, ask: Ask) -> None:
        self.id = new_id("resp")
        self._request = ask.body
        self._input = ask.size
        self._created = int(time.time())
        self._background = ask.body.get("background") is True
        self._number = 0
        self._output: list[dict[str, Any]] | None = None

    def opening(self) -> bytes:  # noqa: D102 -- as its protocol says
        first = self.body("queued" if self._background else "in_progress")
        opening = self._event("response.created", response=first)
        if self._background:
            opening += self._event("response.queued", response=first)
        return opening + self._event("response.in_progress", response=self.body("in_progress"))

    def pieces(self, answer: Answer) -> Iterator[Piece]:  # noqa: D102 -- as its protocol says
        calls = iter(answer.calls)
        for index, item in enumerate(self.output(answer)):
            if item["type"] == "reasoning":
                yield from self._reasoning(index, item, answer)
            elif item["type"] == "message":
                yield from self._message(index, item, answer)
            else:
                yield from self._call(index, item, next(calls))
            yield self._frame("response.output_item.done", output_index=index, item=item)

    def closing(self, answer: Answer) -> bytes:  # noqa: D102 -- as its protocol says
        return self._event(f"response.{_status(answer)}", response=self.whole(answer))

    def error(self, status: int, message: str, code: str = "") -> bytes:  # noqa: D102 -- as its protocol says
        body = error_body(status, message, code)
        return self._event("error", code=body["code"], message=message, param=None)

    def output(self, answer: Answer) -> list[dict[str, Any]]:
        """Make the finished items, the same at each call.

        Args:
            answer: What they say.
        """
        if self._output is None:
            self._output = list(self._items(answer))
        return self._output

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Make the finished response.

        Args:
            answer: What it says.
        """
        body = self.body(_status(answer))
        body["output"] = self.output(answer)
        reasoned = len(answer.reasoning)
        written = reasoned + answer.words
        body["usage"] = {
            "input_tokens": self._input,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": reasoned},
            "total_tokens": self._input + written,
        }
        if answer.cut_short:
            body["incomplete_details"] = {"reason": "max_output_tokens"}
        else:
            body["completed_at"] = int(time.time())
        return body

    def body(self, status: str) -> dict[str, Any]:
        """Make the response as it is before anything was written.

        Args:
            status: ``queued``, ``in_progress``, ``completed``, ``incomplete``, ``failed`` or
                ``cancelled``.
        """
        asked = self._request
        conversation = conversation_id(asked.get("conversation"))
        text, tools, reasoning = (asked.get(name) for name in _PARTS)
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": self._background,
            "completed_at": None,
            "conversation": {"id": conversation} if conversation else None,
            "error": None,
            "incomplete_details": None,
            "instructions": asked.get("instructions"),
            "max_output_tokens": asked.get("max_output_tokens"),
            "metadata": asked.get("metadata") or {},
            "model": str(asked.get("model") or "streamui-demo"),
            "output": [],
            "parallel_tool_calls": asked.get("parallel_tool_calls", True),
            "previous_response_id": asked.get("previous_response_id"),
            "reasoning": {"effort": None, "summary": None, **_object(reasoning)},
            "service_tier": "default",
            "temperature": asked.get("temperature", 1.0),
            "text": {"format": {"type": "text"}, "verbosity": "medium", **_object(text)},
            "tool_choice": asked.get("tool_choice") or "auto",
            "tools": tools if isinstance(tools, list) else [],
            "top_p": asked.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": None,
            "user": None,
        }

    def _items(self, answer: Answer) -> Iterator[dict[str, Any]]:
        if answer.reasoning:
            part = {"type": "summary_text", "text": answer.thought}
            item: dict[str, Any] = {"id": new_id("rs"), "type": "reasoning", "summary": [part]}
            if "reasoning.encrypted_content" in (self._request.get("include") or ()):
                item["encrypted_content"] = new_id("gAAAA")
            yield item
        if answer.speaks:
            yield {
                "id": new_id("msg"),
                "type": "message",
                "status": _status(answer),
                "content": [_part(answer, answer.text)],
                "role": "assistant",
            }
        for call in answer.calls:
            yield {
                "id": new_id("fc"),
                "type": "function_call",
                "status": "completed",
                "arguments": call.arguments,
                "call_id": call.id or new_id("call"),
                "name": call.name,
            }

    def _reasoning(self, index: int, item: dict[str, Any], answer: Answer) -> Iterator[Piece]:
        yield self._frame(
            "response.output_item.added", output_index=index, item=item | {"summary": []}
        )
        place: dict[str, Any] = {"item_id": item["id"], "output_index": index, "summary_index": 0}
        empty = {"type": "summary_text", "text": ""}
        yield self._frame("response.reasoning_summary_part.added", **place, part=empty)
        name = "response.reasoning_summary_text"
        for piece in answer.reasoning:
            yield Piece(self._event(f"{name}.delta", **place, delta=piece), "thought")
        yield self._frame(f"{name}.done", **place, text=answer.thought)
        part = item["summary"][0]
        yield self._frame("response.reasoning_summary_part.done", **place, part=part)

    def _message(self, index: int, item: dict[str, Any], answer: Answer) -> Iterator[Piece]:
        begun: dict[str, Any] = item | {"status": "in_progress", "content": []}
        yield self._frame("response.output_item.added", output_index=index, item=begun)
        place = {"item_id": item["id"], "output_index": index, "content_index": 0}
        part = _part(answer, "")
        yield self._frame("response.content_part.added", **place, part=part)
        refused = answer.steering.refuse
        name = "response.refusal" if refused else "response.output_text"
        more: dict[str, Any] = {} if refused else {"logprobs": []}
        for delta in answer.deltas:
            yield Piece(self._event(f"{name}.delta", **place, delta=delta, **more), "word")
        text = {"refusal" if refused else "text": answer.text}
        yield self._frame(f"{name}.done", **place, **text, **more)
        yield self._frame("response.content_part.done", **place, part=item["content"][0])

    def _call(self, index: int, item: dict[str, Any], call: Call) -> Iterator[Piece]:
        begun = item | {"status": "in_progress", "arguments": ""}
        yield self._frame("response.output_item.added", output_index=index, item=begun)
        place = {"item_id": item["id"], "output_index": index}
        name = "response.function_call_arguments"
        for delta in call.deltas:
            yield Piece(self._event(f"{name}.delta", **place, delta=delta), "word")
        yield self._frame(f"{name}.done", **place, arguments=call.arguments)

    def _frame(self, name: str, **data: Any) -> Piece:
        return Piece(self._event(name, **data), "frame")

    def _event(self, name: str, **data: Any) -> bytes:
        number = self._number
        self._number += 1
        return sse(name, {"type": name, "sequence_number": number, **data})


def _status(answer: Answer) -> str:
    return "incomplete" if answer.cut_short else "completed"


def _part(answer: Answer, text: str) -> dict[str, Any]:
    if answer.steering.refuse:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _object(given: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}
