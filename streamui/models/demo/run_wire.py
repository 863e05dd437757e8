"""A run of the Assistants API on the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from streamui.models.demo.answer import Answer
from streamui.models.demo.threads import Body, Thread, message_body, text_part
from streamui.models.demo.wire import Piece, compact, new_id

EXPIRES_AFTER = 600
"""Seconds that a run waits for what its tools give."""

DONE = b"event: done\ndata: [DONE]\n\n"


class RunWire:
    """The state of one run, and its events; written in as many turns as its tools need.

    Args:
        thread: Where it runs.
        body: The run's wire form, which is kept up to date.
    """

    def __init__(self, thread: Thread, body: Body) -> None:
        self.body = body
        self.steps: list[Body] = []
        self._thread = thread
        self._head = b""
        self._message: Body | None = None
        self._words = 0
        self._expiring = False

    def begin(self, head: bytes) -> None:
        """Start a turn.

        Args:
            head: Events to send first.
        """
        self._head = head

    def opening(self) -> bytes:  # noqa: D102 -- as its protocol says
        head, self._head = self._head, b""
        self.body["required_action"] = None
        queued = self.run_event("queued")
        self.body["started_at"] = self.body["started_at"] or int(time.time())
        return head + queued + self.run_event("in_progress")

    def pieces(self, answer: Answer) -> Iterator[Piece]:  # noqa: D102 -- as its protocol says
        self._expiring = answer.steering.fault == "expire"
        if answer.speaks:
            yield from self._speak(answer)
        if answer.calls:
            yield from self._call(answer)

    def closing(self, answer: Answer) -> bytes:  # noqa: D102 -- as its protocol says
        usage = self._usage(answer)
        if answer.calls:
            step = self.steps[-1]
            action = {"tool_calls": [_plain(call) for call in step["step_details"]["tool_calls"]]}
            self.body["required_action"] = {
                "type": "submit_tool_outputs",
                "submit_tool_outputs": action,
            }
            self.body["expires_at"] = int(time.time()) + EXPIRES_AFTER
            return self.run_event("requires_action") + DONE
        self.body["usage"] = usage
        self.body["expires_at"] = None
        if answer.cut_short:
            self.body["incomplete_details"] = {"reason": "max_completion_tokens"}
            return self.run_event("incomplete") + DONE
        self.body["completed_at"] = int(time.time())
        return self.run_event("completed") + DONE

    def error(self, status: int, message: str, code: str = "") -> bytes:  # noqa: D102 -- as its protocol says
        if self._expiring:
            return self.end("expired")
        kind = "rate_limit_exceeded" if status == 429 else "server_error"
        return self.end("failed", {"code": kind, "message": message})

    def end(self, status: str, error: Mapping[str, str] | None = None) -> bytes:
        """End the run before its end.

        Args:
            status: ``failed``, ``expired`` or ``cancelled``.
            error: What went wrong.

        Returns:
            The events that say so.
        """
        now = int(time.time())
        events = b""
        if self._message is not None:
            reason = {"reason": f"run_{status}"}
            events += self._end_message("incomplete", {"incomplete_details": reason})
        for step in self.steps:
            if step["status"] == "in_progress":
                step |= {"status": status, f"{status}_at": now, "last_error": error}
                events += event(f"thread.run.step.{status}", step)
        self.body |= {"last_error": error, "required_action": None, "expires_at": None}
        if status != "expired":
            self.body[f"{status}_at"] = now
        self.body["usage"] = self.body["usage"] or _counts(0, self._words)
        return events + self.run_event(status) + DONE

    def complete_calls(self, outputs: Mapping[str, str]) -> bytes:
        """Write down what the tools gave.

        Args:
            outputs: By the calls' ids.

        Returns:
            The event that says so.
        """
        step = self.steps[-1]
        for call in step["step_details"]["tool_calls"]:
            call["function"] = {**call["function"], "output": outputs[call["id"]]}
        step |= {"status": "completed", "completed_at": int(time.time())}
        return event("thread.run.step.completed", step)

    def run_event(self, status: str) -> bytes:
        """Bring the run to a status, and say so."""
        self.body["status"] = status
        return event(f"thread.run.{status}", self.body)

    def _speak(self, answer: Answer) -> Iterator[Piece]:
        made = self._message = message_body(self._thread.id, "assistant") | {
            "assistant_id": self.body["assistant_id"],
            "run_id": self.body["id"],
            "status": "in_progress",
            "completed_at": None,
        }
        details = {"type": "message_creation", "message_creation": {"message_id": made["id"]}}
        begun = self._step("message_creation", details)
        begun += event("thread.message.created", made)
        yield Piece(begun + event("thread.message.in_progress", made), "frame")
        said = ""
        for delta in answer.deltas:
            said += delta
            made["content"] = [text_part(said)]
            part = {"index": 0, **text_part(delta)}
            self._words += 1
            yield Piece(_delta("thread.message.delta", made["id"], {"content": [part]}), "word")
        made["content"] = [text_part(said)]
        if answer.cut_short:
            ended = self._end_message(
                "incomplete", {"incomplete_details": {"reason": "max_tokens"}}
            )
        else:
            ended = self._end_message("completed", {})
        step = self.steps[-1]
        step |= {"status": "completed", "completed_at": int(time.time())}
        step["usage"] = self._usage(answer)
        yield Piece(ended + event("thread.run.step.completed", step), "frame")

    def _call(self, answer: Answer) -> Iterator[Piece]:
        yield Piece(self._step("tool_calls", {"type": "tool_calls", "tool_calls": []}), "frame")
        step = self.steps[-1]
        for index, call in enumerate(answer.calls):
            function = {"name": call.name, "arguments": "", "output": None}
            made: Body = {"id": call.id or new_id("call"), "type": "function", "function": function}
            step["step_details"]["tool_calls"].append(made)
            yield Piece(self._call_delta({"index": index, **made}), "frame")
            for delta in call.deltas:
                made["function"] = {
                    **made["function"],
                    "arguments": made["function"]["arguments"] + delta,
                }
                self._words += 1
                more = {"index": index, "type": "function", "function": {"arguments": delta}}
                yield Piece(self._call_delta(more), "word")

    def _call_delta(self, call: Body) -> bytes:
        details = {"type": "tool_calls", "tool_calls": [call]}
        return _delta("thread.run.step.delta", self.steps[-1]["id"], {"step_details": details})

    def _step(self, kind: str, details: Body) -> bytes:
        made = {
            "id": new_id("step"),
            "object": "thread.run.step",
            "created_at": int(time.time()),
            "run_id": self.body["id"],
            "assistant_id": self.body["assistant_id"],
            "thread_id": self._thread.id,
            "type": kind,
            "status": "in_progress",
            "cancelled_at": None,
            "completed_at": None,
            "expired_at": None,
            "failed_at": None,
            "last_error": None,
            "metadata": {},
            "step_details": details,
            "usage": None,
        }
        self.steps.append(made)
        return event("thread.run.step.created", made) + event("thread.run.step.in_progress", made)

    def _end_message(self, status: str, more: Body) -> bytes:
        made, self._message = self._message, None
        assert made is not None
        made |= {"status": status, f"{status}_at": int(time.time()), **more}
        self._thread.keep(made)
        return event(f"thread.message.{status}", made)

    def _usage(self, answer: Answer) -> Body:
        said = sum(len(json.dumps(message["content"]).split()) for message in self._thread.messages)
        return _counts(said, self._words)


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """Write one event."""
    return f"event: {name}\ndata: {compact(data)}\n\n".encode()


def _delta(name: str, id: str, delta: Body) -> bytes:
    return event(name, {"id": id, "object": name, "delta": delta})


def _plain(call: Body) -> Body:
    function = {key: call["function"][key] for key in ("name", "arguments")}
    return {"id": call["id"], "type": "function", "function": function}


def _counts(said: int, written: int) -> Body:
    return {
        "prompt_tokens": said,
        "completion_tokens": written,
        "total_tokens": said + written,
    }
