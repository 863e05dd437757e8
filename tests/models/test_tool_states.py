from __future__ import annotations

from typing import Any

import pytest

import streamui as ui
from streamui.models.events import (
    ModelEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolCallStart,
    ToolProgress,
    ToolResult,
    ToolStart,
)
from streamui.settings import settings

Calls = ui.StreamableValue[list[ui.ToolState]]


def track(*events: ModelEvent, calls: Calls | None = None) -> list[ui.ToolState]:
    calls = ui.StreamableValue([]) if calls is None else calls
    for event in events:
        ui.track_tools(calls, event)
    return calls.value


NEW = {"progress": None, "result": None, "code": "", "sentence": ""}


def test_a_call_is_shown_from_its_first_sign_to_its_result() -> None:
    calls: Calls = ui.StreamableValue([])
    asked = {"id": "a", "name": "pay", "arguments": {"n": 1}, **NEW}
    for event, shown in [
        (ToolCallStart("a", "pay"), {**asked, "state": "called", "arguments": {}}),
        (TextDelta("0", "x"), {**asked, "state": "called", "arguments": {}}),
        (ToolCall("a", "pay", '{"n": 1}'), {**asked, "state": "called", "arguments": {}}),
        (ToolApproval("a", "pay", {"n": 1}), {**asked, "state": "asking"}),
        (ToolStart("a", "pay", {"n": 1}), {**asked, "state": "running"}),
        (ToolProgress("a", "pay", 5), {**asked, "state": "running", "progress": 5}),
        (ToolResult("a", "pay", [1]), {**asked, "state": "done", "progress": 5, "result": [1]}),
    ]:
        assert track(event, calls=calls) == [shown]


def test_a_failure_has_its_sentence() -> None:
    (state,) = track(
        ToolCall("a", "pay", ""),
        ToolResult(
            "a", "pay", code="denied", sentence="No.", reference="1", output="for the model"
        ),
    )
    assert (state["state"], state["code"], state["sentence"]) == ("failed", "denied", "No.")
    assert "for the model" not in str(state)


def test_calls_side_by_side_are_kept_apart_and_an_id_may_come_again() -> None:
    states = track(
        ToolCall("a", "pay", ""),
        ToolCall("b", "pay", ""),
        ToolResult("a", "pay", 1),
        ToolCall("a", "look", ""),
        ToolStart("a", "look"),
    )
    assert [(state["id"], state["name"], state["state"]) for state in states] == [
        ("a", "pay", "done"),
        ("b", "pay", "called"),
        ("a", "look", "running"),
    ]


def test_what_would_be_too_much_to_send_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "object_bytes", 600)
    large: Any = ["x" * 250]
    calls: Calls = ui.StreamableValue([])
    track(ToolCall("a", "pay", ""), ToolResult("a", "pay", large), calls=calls)
    events = (ToolStart("b", "pay"), ToolProgress("b", "pay", large), ToolResult("b", "pay", large))
    first, second = track(*events, calls=calls)
    assert calls.streaming
    assert first["result"] == large
    assert (second["state"], second["code"], second["result"]) == ("failed", "too_large", None)
