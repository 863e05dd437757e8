"""Messages in one form, and what becomes of them and of the options in either API."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import ResponseFunctionToolCall

from streamui.errors import ModelError
from streamui.models.messages import chat_messages, read_messages
from streamui.models.request import chat_arguments

CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Rome"}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "Sunny"}


def test_a_question_and_what_was_said_before_become_messages() -> None:
    said = [{"role": "assistant", "content": "Hi"}]
    asked = {"role": "user", "content": "Why?"}
    assert read_messages("Why?") == read_messages(None, "Why?") == [asked]
    assert read_messages(said, "Why?") == read_messages(iter(said), "Why?") == [*said, asked]


def test_the_sdks_own_objects_are_messages() -> None:
    call = ResponseFunctionToolCall(type="function_call", call_id="c", name="n", arguments="{}")
    assert read_messages([call]) == [
        {"type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}
    ]


@pytest.mark.parametrize("given", [["Why?"], {"role": "user"}, 3, b"Why?"])
def test_what_is_no_message_is_a_type_error(given: Any) -> None:
    with pytest.raises(TypeError, match=r"a message is a dict|a list of messages"):
        read_messages(given)


def test_nothing_to_ask_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nothing to ask"):
        read_messages([])


def test_chat_has_calls_in_the_assistants_message_and_results_of_their_own() -> None:
    second = {**CALL, "call_id": "c2", "arguments": ""}
    text = [{"type": "input_text", "text": text} for text in ("Wea", "ther?")]
    said: list[dict[str, Any]] = [
        {"role": "developer", "content": "Be brief"},
        {"role": "user", "content": text},
        {"type": "reasoning", "summary": []},
        {"role": "assistant", "content": "Looking"},
        CALL,
        second,
        OUTPUT,
        {"type": "web_search_call", "id": "w"},
    ]
    function = {"name": "weather", "arguments": '{"city":"Rome"}'}
    assert chat_messages(said, "You know") == [
        {"role": "system", "content": "You know"},
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "Looking",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": function},
                {"id": "c2", "type": "function", "function": {**function, "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Sunny"},
    ]


def test_chat_has_pictures_and_files_in_its_own_words() -> None:
    content = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "data:,x"},
        {"type": "input_file", "file_id": "f"},
    ]
    assert chat_messages([{"role": "user", "content": content}])[0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:,x", "detail": "auto"}},
        {"type": "file", "file": {"file_id": "f"}},
    ]


def test_chat_says_what_it_has_no_form_for() -> None:
    with pytest.raises(ModelError, match="item_reference") as raised:
        chat_messages([{"type": "item_reference", "id": "x"}])
    assert raised.value.code == "bad_request"
    with pytest.raises(ModelError, match="previous_response_id") as raised:
        chat_arguments([], None, (), None, {"previous_response_id": "resp_1"})
    assert raised.value.code == "bad_request"


def test_options_are_in_the_words_of_the_responses_api() -> None:
    options = {
        "max_output_tokens": 5,
        "reasoning": {"effort": "low"},
        "tool_choice": {"type": "function", "name": "weather"},
        "temperature": 0.5,
    }
    sent = chat_arguments([], None, (), {"name": "Form", "schema": {}}, options)
    assert sent == {
        "messages": [],
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 5,
        "reasoning_effort": "low",
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "temperature": 0.5,
        "response_format": {"type": "json_schema", "json_schema": {"name": "Form", "schema": {}}},
    }
