from __future__ import annotations

import pytest

from streamui.models.demo import talk
from streamui.models.demo.talk import Memory, Message, UnknownError, read_messages


def test_input_is_read_in_all_its_shapes() -> None:
    assert read_messages("hi") == (Message("user", "hi"),)
    given = [
        {"role": "developer", "content": "be brief"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
        {"type": "function_call_output", "call_id": "c", "output": "d"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "x"}]},
        "noise",
    ]
    assert read_messages(given) == (
        Message("system", "be brief"),
        Message("user", "a"),
        Message("assistant", "b"),
    )


def test_old_responses_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "RESPONSES_KEPT", 3)
    memory = Memory()
    for number in range(5):
        memory.keep({"id": f"r{number}"}, ())
    with pytest.raises(UnknownError):
        memory.response("r1")
    assert memory.response("r4") == {"id": "r4"}


def test_conversations_in_use_are_kept_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "CONVERSATIONS_KEPT", 2)
    memory = Memory()
    first, second = memory.begin({}, None), memory.begin({}, None)
    memory.conversation(first.id)
    memory.begin({}, None)
    assert memory.conversation(first.id) is first
    with pytest.raises(UnknownError):
        memory.conversation(second.id)


def test_a_long_talk_is_kept_from_its_end() -> None:
    memory = Memory()
    messages = tuple(Message("user", str(number)) for number in range(500))
    memory.keep({"id": "r"}, messages)
    assert memory.before("r", None) == messages[-talk.MESSAGES_KEPT :]


def test_a_conversation_forgotten_meanwhile_loses_no_answer() -> None:
    memory = Memory()
    memory.keep({"id": "r", "conversation": {"id": "conv_gone"}}, ())
    assert memory.response("r")["id"] == "r"


def test_ids_cannot_be_guessed() -> None:
    memory = Memory()
    ids = {memory.begin({}, None).id for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) > 40
