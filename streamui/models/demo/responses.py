"""``POST /v1/responses`` on the wire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from streamui.models.demo.answer import Answer
from streamui.models.demo.talk import Message, conversation_id
from streamui.models.demo.wire import error_body, new_id, sse


class ResponsesWire:
    """One response: the same object for its stream and for its whole form.

    Args:
        request: The request's JSON.
        messages: The talk up to the question, for counting.
    """

    def __init__(self, request: dict[str, Any], messages: tuple[Message, ...]) -> None:
        self.id = new_id("resp")
        self._request = request
        self._input = sum(len(message.text.split()) for message in messages)
        self._created = int(time.time())
        self._background = request.get("background") is True
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._message = new_id("msg")
        self._refusing = False

    def opening(self) -> bytes:  # noqa: D102 -- as its protocol says
        first = self.body("queued" if self._background else "in_progress")
        opening = self._event("response.created", response=first)
        if self._background:
            opening += self._event("response.queued", response=first)
        return opening + self._event("response.in_progress", response=self.body("in_progress"))

    def reasoning(self, answer: Answer) -> Iterator[bytes]:  # noqa: D102 -- as its protocol says
        item: dict[str, Any] = {"id": new_id("rs"), "type": "reasoning", "summary": []}
        place: dict[str, Any] = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
        head = self._event("response.output_item.added", output_index=0, item=item)
        head += self._event(
            "response.reasoning_summary_part.added",
            **place,
            part={"type": "summary_text", "text": ""},
        )
        for piece in answer.reasoning:
            name = "response.reasoning_summary_text.delta"
            yield head + self._event(name, **place, delta=piece)
            head = b""
        part = {"type": "summary_text", "text": answer.thought}
        done = item | {"summary": [part]}
        self._output.append(done)
        yield (
            self._event("response.reasoning_summary_text.done", **place, text=answer.thought)
            + self._event("response.reasoning_summary_part.done", **place, part=part)
            + self._event("response.output_item.done", output_index=0, item=done)
        )

    def begin(self, answer: Answer) -> bytes:  # noqa: D102 -- as its protocol says
        self._refusing = answer.steering.refuse
        item = self._item("in_progress", [])
        index = len(self._output)
        return self._event("response.output_item.added", output_index=index, item=item) + (
            self._event("response.content_part.added", **self._place(), part=self._part(""))
        )

    def delta(self, delta: str) -> bytes:  # noqa: D102 -- as its protocol says
        name = "response.refusal.delta" if self._refusing else "response.output_text.delta"
        more: dict[str, Any] = {} if self._refusing else {"logprobs": []}
        return self._event(name, **self._place(), delta=delta, **more)

    def closing(self, answer: Answer) -> bytes:  # noqa: D102 -- as its protocol says
        text = answer.text
        status = "incomplete" if answer.cut_short else "completed"
        item = self._item(status, [self._part(text)])
        if self._refusing:
            done = self._event("response.refusal.done", **self._place(), refusal=text)
        else:
            name = "response.output_text.done"
            done = self._event(name, **self._place(), text=text, logprobs=[])
        done += self._event("response.content_part.done", **self._place(), part=self._part(text))
        index = len(self._output)
        done += self._event("response.output_item.done", output_index=index, item=item)
        return done + self._event(f"response.{status}", response=self.whole(answer))

    def error(self, status: int, message: str) -> bytes:  # noqa: D102 -- as its protocol says
        body = error_body(status, message)
        return self._event("error", code=body["code"], message=message, param=None)

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Make the finished response.

        Args:
            answer: What it says.
        """
        self._refusing = answer.steering.refuse
        status = "incomplete" if answer.cut_short else "completed"
        output = list(self._output)
        if answer.reasoning and not output:
            part = {"type": "summary_text", "text": answer.thought}
            output.append({"id": new_id("rs"), "type": "reasoning", "summary": [part]})
        output.append(self._item(status, [self._part(answer.text)]))
        reasoned = len(answer.reasoning)
        written = reasoned + len(answer.deltas)
        body = self.body(status)
        body["output"] = output
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
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "temperature": asked.get("temperature", 1.0),
            "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto",
            "tools": [],
            "top_p": asked.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": None,
            "user": None,
        }

    def _place(self) -> dict[str, Any]:
        return {
            "item_id": self._message,
            "output_index": len(self._output),
            "content_index": 0,
        }

    def _part(self, text: str) -> dict[str, Any]:
        if self._refusing:
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}

    def _item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self._message,
            "type": "message",
            "status": status,
            "content": content,
            "role": "assistant",
        }

    def _event(self, name: str, **data: Any) -> bytes:
        number = self._number
        self._number += 1
        return sse(name, {"type": name, "sequence_number": number, **data})
