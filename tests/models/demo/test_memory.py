from __future__ import annotations

from typing import Any

import pytest

from streamui.models.demo import memory as kept
from streamui.models.demo import shelf
from streamui.models.demo.items import as_items
from streamui.models.demo.memory import Memory
from streamui.models.demo.shelf import Shelf, UnknownError


def body(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "output": [], **more}


def test_old_responses_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "RESPONSES_KEPT", 3)
    memory = Memory()
    for number in range(5):
        memory.keep(body(f"r{number}"), [], [])
    with pytest.raises(UnknownError):
        memory.response("r1")
    assert memory.response("r4") == body("r4")


def test_conversations_in_use_are_kept_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "CONVERSATIONS_KEPT", 2)
    memory = Memory()
    first, second = memory.begin({}, None), memory.begin({}, None)
    memory.conversation(first.id)
    memory.begin({}, None)
    assert memory.conversation(first.id) is first
    with pytest.raises(UnknownError):
        memory.conversation(second.id)


def test_a_long_talk_is_kept_from_its_end_and_begins_with_a_question() -> None:
    said = as_items([{"role": ("user", "assistant")[n % 2], "content": str(n)} for n in range(499)])
    memory = Memory()
    memory.keep(body("r"), said[:-1], said[-1:])
    items = memory.before("r", None)
    assert items == said[-len(items) :]
    assert kept.ITEMS_KEPT - 2 < len(items) <= kept.ITEMS_KEPT
    assert items[0]["role"] == "user"


def test_a_conversation_forgotten_meanwhile_loses_no_answer() -> None:
    memory = Memory()
    memory.keep(body("r", conversation={"id": "conv_gone"}), [], [])
    assert memory.response("r")["id"] == "r"


def test_ids_cannot_be_guessed() -> None:
    memory = Memory()
    ids = {memory.begin({}, None).id for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) > 40


def test_what_nobody_asks_for_is_forgotten_in_time() -> None:
    now = 0.0
    dropped: list[str] = []
    things: Shelf[str] = Shelf("Thing", 10, dropped.append, lambda: now)
    things.put("a", "A")
    things.put("b", "B")
    now = shelf.KEPT_FOR - 1
    assert things.get("a") == "A"
    now = shelf.KEPT_FOR + 1
    assert things.get("a") == "A"
    assert things.find("b") is None and dropped == ["B"]
    with pytest.raises(UnknownError, match="Thing with id 'b' not found"):
        things.get("b")


def test_what_is_kept_has_a_limit_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "BYTES", 100)
    things: Shelf[str] = Shelf("Thing", 10)
    things.put("a", "A", 60)
    things.put("b", "B", 30)
    things.put("b", "B", 40)
    assert len(things) == 2
    things.grow("b", 1)
    assert things.find("a") is None
    things.put("c", "C", 1_000)
    assert things.find("b") is None and things.get("c") == "C"
    things.pop("c")
    assert len(things) == 0
