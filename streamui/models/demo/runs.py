"""Runs of assistants: each is written whether anybody listens or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, cast

from streamui.models.demo.answer import Answer
from streamui.models.demo.ask import Ask, read_ask
from streamui.models.demo.event_log import Breakage, EventLog
from streamui.models.demo.pace import paced
from streamui.models.demo.run_wire import RunWire, event
from streamui.models.demo.service import Brain, check_status
from streamui.models.demo.talk import InvalidError, Message, Talk, ToolCall, ToolOutput
from streamui.models.demo.threads import Body, Thread
from streamui.models.demo.wire import new_id

_OVER = ("completed", "incomplete", "failed", "cancelled", "expired")


class Run:
    """One run in a thread.

    Args:
        thread: Where it runs.
        assistant: Who answers: its wire form.
        asked: The request's JSON.
        headers: Of the request.
        brain: What answers.

    Raises:
        InvalidError: OpenAI would refuse it.
    """

    def __init__(
        self,
        thread: Thread,
        assistant: Body,
        asked: Mapping[str, Any],
        headers: Mapping[str, str],
        brain: Brain,
    ) -> None:
        self.id = new_id("run")
        self._thread = thread
        self._brain = brain
        self._headers = headers
        self._asked = {**asked, "tools": asked.get("tools") or assistant["tools"]}
        if isinstance(assistant["response_format"], dict):
            self._asked.setdefault("response_format", assistant["response_format"])
        self._told = asked.get("instructions") or assistant["instructions"] or ""
        more = asked.get("additional_instructions")
        self._told = f"{self._told}\n{more}" if more else self._told
        body = _body(self.id, thread.id, assistant, self._asked, self._told)
        self._wire = RunWire(thread, body)
        self._rounds: list[ToolCall | ToolOutput] = []
        self._log = EventLog()
        self._breakage: Breakage | None = None
        self._task: asyncio.Task[None] | None = None
        self.ask, self.made = self._think()

    @property
    def over(self) -> bool:
        """Whether it has ended; a run that has waited for too long has."""
        body = self._wire.body
        if body["status"] == "requires_action" and body["expires_at"] <= time.time():
            self._finish(self._wire.end("expired"))
        return body["status"] in _OVER

    @property
    def size(self) -> int:
        """About how many characters it keeps."""
        return len(str(self._wire.steps)) + len(str(self._wire.body))

    @property
    def steps(self) -> list[Body]:
        """Its steps, in their wire form."""
        return self._wire.steps

    def body(self) -> Body:
        """Make its form on the wire, as far as it has come."""
        return self._wire.body if self.over else dict(self._wire.body)

    def start(self, made: Answer, head: bytes = b"") -> AsyncIterator[bytes]:
        """Begin to run.

        Args:
            made: What it says.
            head: Events to send first.

        Returns:
            The events of this turn.
        """
        self._wire.begin(head + event("thread.run.created", self._wire.body))
        return self._turn(made)

    def accept(self, outputs: object) -> None:
        """Take what the tools gave.

        Args:
            outputs: The request's ``tool_outputs``.

        Raises:
            InvalidError: It does not wait for them, or one is missing.
        """
        if self.over or self._wire.body["status"] != "requires_action":
            status = self._wire.body["status"]
            raise InvalidError(f'Runs in status "{status}" do not accept tool outputs.')
        given = _outputs(outputs)
        calls: list[Body] = self._wire.steps[-1]["step_details"]["tool_calls"]
        wanted = [call["id"] for call in calls]
        if set(given) != set(wanted):
            raise InvalidError(f"Expected tool outputs for call_ids {wanted}, got {sorted(given)}")
        for call in calls:
            function = call["function"]
            self._rounds.append(ToolCall(call["id"], function["name"], function["arguments"]))
            self._rounds.append(ToolOutput(call["id"], given[call["id"]]))
        self._wire.begin(self._wire.complete_calls(given))
        self._wire.body["status"] = "queued"
        self.ask, self.made = self._think()

    def go_on(self) -> AsyncIterator[bytes]:
        """Go on with what the tools gave.

        Returns:
            The events of this turn.
        """
        return self._turn(check_status(self.ask, self.made, streamed=True)[0])

    def cancel(self) -> Body:
        """Stop it.

        Returns:
            The run as it is being cancelled.

        Raises:
            InvalidError: It has ended.
        """
        if self.over:
            status = self._wire.body["status"]
            raise InvalidError(f"Cannot cancel run with status '{status}'.")
        self._log.write(self._wire.run_event("cancelling"))
        told = dict(self._wire.body)
        self._finish(self._wire.end("cancelled"))
        return told

    def stop(self) -> None:
        """Stop writing, for good."""
        if self._task is not None:
            self._task.cancel()
        self._log.rest()
        self._log = EventLog()

    def _finish(self, events: bytes) -> None:
        self._log.write(events)
        self.stop()

    def _think(self) -> tuple[Ask, Answer]:
        talk: Talk = (*self._thread.talk(), *self._rounds)
        if self._told:
            talk = (Message("system", self._told), *talk)
        limit = self._asked.get("max_completion_tokens")
        ask = read_ask("assistants", self._asked, talk, limit, self._headers)
        return ask, self._brain(ask)

    def _turn(self, made: Answer) -> AsyncIterator[bytes]:
        self._breakage = Breakage.of(made.steering)
        if self._breakage:
            made = replace(made, steering=replace(made.steering, fault=None))
        # A turn's events are read once: only who reads them keeps them after its end.
        log = self._log = EventLog()
        self._task = asyncio.create_task(self._write(made, log), name="demo run")
        return log.read(0, self._breakage)

    async def _write(self, made: Answer, log: EventLog) -> None:
        async for chunk in paced(made, self._wire):
            log.write(chunk)
        log.rest()
        self._log = EventLog()


def _outputs(given: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in cast("list[Any]", given) if isinstance(given, list) else ():
        if isinstance(each, dict):
            one = cast("dict[str, Any]", each)
            found[str(one.get("tool_call_id"))] = str(one.get("output") or "")
    return found


def _body(id: str, thread: str, assistant: Body, asked: Mapping[str, Any], told: str) -> Body:
    def own(name: str, otherwise: Any = None) -> Any:
        return asked.get(name, assistant.get(name, otherwise))

    return {
        "id": id,
        "object": "thread.run",
        "created_at": int(time.time()),
        "thread_id": thread,
        "assistant_id": assistant["id"],
        "status": "queued",
        "started_at": None,
        "expires_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "incomplete_details": None,
        "last_error": None,
        "required_action": None,
        "model": str(asked.get("model") or assistant["model"]),
        "instructions": told,
        "tools": asked["tools"],
        "tool_choice": asked.get("tool_choice") or "auto",
        "parallel_tool_calls": asked.get("parallel_tool_calls") is not False,
        "response_format": own("response_format", "auto"),
        "temperature": own("temperature"),
        "top_p": own("top_p"),
        "max_completion_tokens": asked.get("max_completion_tokens"),
        "max_prompt_tokens": asked.get("max_prompt_tokens"),
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "metadata": asked.get("metadata") or {},
        "usage": None,
    }
