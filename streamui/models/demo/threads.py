"""The threads and assistants that are kept between requests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from streamui.models.demo.shelf import Shelf, UnknownError
from streamui.models.demo.talk import InvalidError, Message, Talk, objects, text_of
from streamui.models.demo.wire import new_id

if TYPE_CHECKING:
    from streamui.models.demo.runs import Run

THREADS_KEPT = 256
ASSISTANTS_KEPT = 64
MESSAGES_KEPT = 200
RUNS_KEPT = 32

DEMO_ASSISTANT = "asst_demo"
"""An assistant that is always there."""

Body: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Thread:
    """A thread kept on the server."""

    metadata: Body
    id: str = field(default_factory=lambda: new_id("thread"))
    created_at: int = field(default_factory=lambda: int(time.time()))
    messages: list[Body] = field(default_factory=list[Body])
    runs: dict[str, Run] = field(default_factory=dict[str, "Run"])

    def body(self) -> Body:
        """Make its form on the wire."""
        return {
            "id": self.id,
            "object": "thread",
            "created_at": self.created_at,
            "metadata": self.metadata,
            "tool_resources": {},
        }

    @property
    def size(self) -> int:
        """About how many characters it keeps."""
        said = sum(len(_words(each)) for each in self.messages)
        return said + sum(run.size for run in self.runs.values())

    def talk(self) -> Talk:
        """Read what was said in it."""
        return tuple(Message(each["role"], _words(each)) for each in self.messages)

    def say(self, given: Mapping[str, Any]) -> Body:
        """Add a message.

        Args:
            given: As it came: with ``role`` and ``content``.

        Raises:
            InvalidError: A run is active, or it is no message.
        """
        active = self.active()
        if active is not None:
            raise InvalidError(f"Can't add messages to {self.id} while a run {active} is active.")
        if given.get("role") not in ("user", "assistant"):
            raise InvalidError("Invalid value for 'role': 'user' or 'assistant' is wanted.")
        metadata = given.get("metadata")
        return self.keep(
            {
                **message_body(self.id, str(given["role"])),
                "content": [text_part(text_of(given.get("content")))],
                "metadata": cast("Body", metadata) if isinstance(metadata, dict) else {},
            }
        )

    def keep(self, message: Body) -> Body:
        """Keep a message that is ready."""
        self.messages = [*self.messages, message][-MESSAGES_KEPT:]
        return message

    def active(self) -> str | None:
        """Name the run that is not over; there is one at most."""
        return next((id for id, run in self.runs.items() if not run.over), None)

    def run(self, id: str) -> Run:
        """Get a run.

        Raises:
            UnknownError: There is none with this id.
        """
        if id not in self.runs:
            raise UnknownError(f"No run found with id '{id}'.")
        return self.runs[id]

    def add(self, run: Run) -> None:
        """Keep a run, and forget the oldest of too many."""
        self.runs[run.id] = run
        while len(self.runs) > RUNS_KEPT:
            del self.runs[next(iter(self.runs))]

    def close(self) -> None:
        """Stop what runs in it."""
        for run in self.runs.values():
            run.stop()


class Assistants:
    """All of the state behind the Assistants API."""

    def __init__(self) -> None:
        self.threads: Shelf[Thread] = Shelf("Thread", THREADS_KEPT, Thread.close)
        self.assistants: Shelf[Body] = Shelf("Assistant", ASSISTANTS_KEPT)

    def open(self, asked: Mapping[str, Any]) -> Thread:
        """Open a thread.

        Args:
            asked: Its ``messages`` and ``metadata``.

        Raises:
            InvalidError: A message is none.
        """
        metadata = asked.get("metadata")
        made = Thread(cast("Body", metadata) if isinstance(metadata, dict) else {})
        for given in objects(asked.get("messages")):
            made.say(given)
        return self.threads.put(made.id, made)

    def create(self, asked: Mapping[str, Any]) -> Body:
        """Make an assistant."""
        made = assistant_body(new_id("asst"), asked)
        return self.assistants.put(made["id"], made)

    def assistant(self, id: object) -> Body:
        """Get an assistant.

        Raises:
            UnknownError: There is none with this id.
        """
        if id == DEMO_ASSISTANT:
            return assistant_body(DEMO_ASSISTANT, {"name": "The demo assistant"})
        return self.assistants.get(str(id))


def message_body(thread: str, role: str) -> Body:
    """Make the wire form of a message, complete and empty."""
    now = int(time.time())
    return {
        "id": new_id("msg"),
        "object": "thread.message",
        "created_at": now,
        "thread_id": thread,
        "run_id": None,
        "assistant_id": None,
        "role": role,
        "status": "completed",
        "content": [],
        "attachments": [],
        "metadata": {},
        "completed_at": now,
        "incomplete_at": None,
        "incomplete_details": None,
    }


def assistant_body(id: str, asked: Mapping[str, Any]) -> Body:
    """Make the wire form of an assistant."""
    return {
        "id": id,
        "object": "assistant",
        "created_at": int(time.time()),
        "name": asked.get("name"),
        "description": asked.get("description"),
        "instructions": asked.get("instructions"),
        "model": str(asked.get("model") or "streamui-demo"),
        "tools": asked.get("tools") or [],
        "metadata": asked.get("metadata") or {},
        "response_format": asked.get("response_format") or "auto",
        "temperature": asked.get("temperature", 1.0),
        "top_p": asked.get("top_p", 1.0),
        "tool_resources": {},
    }


def text_part(text: str) -> Body:
    """Make the wire form of a text in a message."""
    return {"type": "text", "text": {"value": text, "annotations": []}}


def _words(message: Body) -> str:
    return "\n".join(part["text"]["value"] for part in message["content"])
