"""The calls of an answer's tools as a page shows them."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from streamui.errors import ToolError
from streamui.models.events import (
    ModelEvent,
    ToolApproval,
    ToolCall,
    ToolCallStart,
    ToolProgress,
    ToolResult,
    ToolStart,
)
from streamui.settings import settings
from streamui.streamable.json_value import to_json
from streamui.streamable.patch import bytes_of
from streamui.streamable.value import StreamableValue


class ToolState(TypedDict):
    """A call of a tool, as far as it is.

    Attributes:
        id: The id of the call, for :func:`streamui.approve` and :func:`streamui.deny`.
        name: The tool.
        state: ``called`` while the model writes its arguments, ``asking`` while somebody has to
            allow it, ``running``, and at the end ``done`` or ``failed``.
        arguments: The arguments, once they are checked.
        progress: What the tool told last.
        result: What it gave for the page.
        code: The kind of failure; ``""`` if it did not fail.
        sentence: What a person may be told of the failure.
    """

    id: str
    name: str
    state: Literal["called", "asking", "running", "done", "failed"]
    arguments: dict[str, Any]
    progress: Any
    result: Any
    code: str
    sentence: str


def track_tools(calls: StreamableValue[list[ToolState]], event: ModelEvent) -> None:
    """Write into a list what an event says of a tool's call; any other event changes nothing.

    Args:
        calls: A streamable of a list, empty at first.
        event: An event of :func:`streamui.stream_text`.

    Example::

        async for event in result:
            ui.track_tools(calls, event)
    """
    changes = _changes(event)
    if changes is None:
        return
    id, change = changes
    states: list[Any] = list(calls.value or ())
    # The last one, because a server that makes ids up may use one again.
    places = [n for n, one in enumerate(states) if one["id"] == id and one["state"] in _OPEN]
    if not places:
        places = [len(states)]
        states.append({"id": id, **_NEW})
    place = places[-1]
    states[place] = {**states[place], **change}
    if 0 < settings.object_bytes < bytes_of(to_json(states)):
        # A list that changes inside goes in one piece, and this would be too large a one.
        states[place] |= {"progress": None, "result": None}
        if event.type == "tool-result":
            failure = {"code": "too_large", "sentence": ToolError.sentences["too_large"]}
            states[place] |= {"state": "failed", **failure}
    calls.update(states)


_OPEN = ("called", "asking", "running")
_NEW: dict[str, Any] = {
    "name": "",
    "state": "called",
    "arguments": {},
    "progress": None,
    "result": None,
    "code": "",
    "sentence": "",
}


def _changes(event: ModelEvent) -> tuple[str, dict[str, Any]] | None:
    """Return what an event says of a call: its id, and what is new; ``None`` for any other."""
    match event:
        case ToolCallStart() | ToolCall():
            change: dict[str, Any] = {}
        case ToolApproval():
            change = {"state": "asking", "arguments": dict(event.arguments)}
        case ToolStart():
            change = {"state": "running", "arguments": dict(event.arguments)}
        case ToolProgress():
            change = {"state": "running", "progress": event.data}
        case ToolResult():
            state = "failed" if event.code else "done"
            change = {"state": state, "result": event.result}
            change |= {"code": event.code, "sentence": event.sentence}
        case _:
            return None
    return event.id, {"name": event.name, **change}
