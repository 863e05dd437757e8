from __future__ import annotations

from streamui.models.demo.talk import Message, ToolCall, ToolOutput, read_talk


def test_input_is_read_in_all_its_shapes() -> None:
    assert read_talk("hi") == (Message("user", "hi"),)
    given = [
        {"role": "developer", "content": "be brief"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "d"},
        {"type": "reasoning", "summary": []},
        {"role": "user", "content": [{"type": "input_image", "image_url": "x"}]},
        "noise",
    ]
    assert read_talk(given) == (
        Message("system", "be brief"),
        Message("user", "a"),
        Message("assistant", "b"),
        ToolCall("c", "f", "{}"),
        ToolOutput("c", "d"),
    )


def test_the_calls_of_a_chat_are_read() -> None:
    function = {"name": "f", "arguments": '{"a":1}'}
    calls = [{"id": "c", "type": "function", "function": function}, "noise"]
    given = [
        {"role": "assistant", "content": "let me see", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "d"}]},
    ]
    assert read_talk(given) == (
        Message("assistant", "let me see"),
        ToolCall("c", "f", '{"a":1}'),
        ToolOutput("c", "d"),
    )
