"""What the demo sends is what OpenAI sends: judged by the types of OpenAI's own package."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai.types import Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.conversations import Conversation
from openai.types.responses import Response

from streamui.models.demo import DemoServer
from tests.models.demo.reading import (
    EVENTS,
    QUESTIONS,
    assert_no_more_than_known,
    events,
    post,
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_event_of_a_response_is_openais(demo: DemoServer, question: str) -> None:
    sent = events(post(demo, "/responses", model="m", input=question, stream=True))
    for number, (name, data) in enumerate(sent):
        event = EVENTS.validate_json(data)
        assert event.type == name
        assert event.sequence_number == number
        assert_no_more_than_known(event)


def test_the_events_of_a_text_come_in_openais_order(demo: DemoServer) -> None:
    sent = events(post(demo, "/responses", model="m", input=QUESTIONS[0], stream=True))
    assert [name for name, _ in sent] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 5,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_the_last_event_repeats_what_was_sent(demo: DemoServer) -> None:
    sent = events(post(demo, "/responses", model="m", input=QUESTIONS[1], stream=True))
    loaded = [EVENTS.validate_json(data) for _, data in sent]
    by_type = {event.type: event for event in loaded}
    text = "".join(e.delta for e in loaded if e.type == "response.output_text.delta")
    thought = "".join(e.delta for e in loaded if e.type == "response.reasoning_summary_text.delta")
    response: Response = by_type["response.completed"].response
    assert response.output_text == text == by_type["response.output_text.done"].text
    reasoning, message = response.output
    assert reasoning.type == "reasoning" and reasoning.summary[0].text == thought
    assert message == by_type["response.output_item.done"].item
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens > 0
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


@pytest.mark.parametrize("question", QUESTIONS[:5])
def test_a_whole_response_is_openais(demo: DemoServer, question: str) -> None:
    response = post(demo, "/responses", model="m", input=question)
    whole = Response.model_validate_json(response.text)
    assert_no_more_than_known(whole)
    streamed = events(post(demo, "/responses", model="m", input=question, stream=True))[-1]
    last = EVENTS.validate_json(streamed[1]).response
    assert last.output_text == whole.output_text
    assert last.usage == whole.usage


@pytest.mark.parametrize("usage", [True, False])
@pytest.mark.parametrize("question", QUESTIONS[:5])
def test_every_chunk_of_a_chat_is_openais(demo: DemoServer, question: str, usage: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if usage else {}
    said = [{"role": "user", "content": question}]
    response = post(demo, "/chat/completions", model="m", messages=said, stream=True, **options)
    *sent, done = events(response)
    assert done == ("", "[DONE]")
    chunks = [ChatCompletionChunk.model_validate_json(data) for _, data in sent]
    assert len({chunk.id for chunk in chunks}) == 1
    for chunk in chunks:
        for choice in chunk.choices:
            # Reasoning over Chat Completions is not OpenAI's, but what other servers send.
            (choice.delta.model_extra or {}).pop("reasoning_content", None)
        assert_no_more_than_known(chunk)
    assert chunks[0].choices[0].delta.role == "assistant"
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert reasons[-1] == "stop" and not any(reasons[:-1])
    assert bool(chunks[-1].usage) == usage
    assert bool(chunks[-1].choices) != usage


def test_a_whole_chat_completion_is_openais(demo: DemoServer) -> None:
    said = [{"role": "user", "content": QUESTIONS[0]}]
    response = post(demo, "/chat/completions", model="m", messages=said)
    whole = ChatCompletion.model_validate_json(response.text)
    assert_no_more_than_known(whole)
    assert len((whole.choices[0].message.content or "").split()) == 5


def test_models_and_conversations_are_openais(demo: DemoServer) -> None:
    listed = httpx.get(f"{demo.base_url}/models", verify=False).json()
    assert listed["object"] == "list"
    for model in listed["data"]:
        assert_no_more_than_known(Model.model_validate(model))
    made = post(demo, "/conversations", metadata={"a": "b"}).json()
    assert_no_more_than_known(Conversation.model_validate(made))
    assert httpx.get(f"{demo.base_url}/conversations/{made['id']}", verify=False).json() == made


@pytest.mark.parametrize("limit", [{"max_output_tokens": 3}])
def test_a_limit_on_tokens_makes_it_incomplete(demo: DemoServer, limit: Any) -> None:
    sent = events(post(demo, "/responses", model="m", input=QUESTIONS[0], stream=True, **limit))
    last = EVENTS.validate_json(sent[-1][1])
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert len(last.response.output_text.split()) == 3


def test_a_limit_on_tokens_makes_a_chat_too_long(demo: DemoServer) -> None:
    said = [{"role": "user", "content": QUESTIONS[0]}]
    for limit in ("max_completion_tokens", "max_tokens"):
        body = post(demo, "/chat/completions", model="m", messages=said, **{limit: 3}).json()
        assert body["choices"][0]["finish_reason"] == "length"


def test_an_error_has_openais_shape(demo: DemoServer) -> None:
    response = post(demo, "/responses", model="m", input="fail with 418", stream=True)
    assert response.status_code == 418
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"x"'])
def test_a_body_that_is_no_object_is_a_bad_request(demo: DemoServer, body: bytes) -> None:
    for path in ("/responses", "/chat/completions"):
        response = httpx.post(f"{demo.base_url}{path}", content=body, verify=False)
        assert response.status_code == 400
        assert "error" in response.json()


def test_a_body_of_any_shape_is_answered(demo: DemoServer) -> None:
    odd: Any = {"input": "my name is X", "max_output_tokens": "1", "metadata": 7, "stream": "yes"}
    assert httpx.post(f"{demo.base_url}/responses", json=odd, verify=False).status_code == 200
    for given in (None, 7, {}, [], [None, 7, {"role": "user"}], [{"role": "user", "content": 7}]):
        body = {"input": given, "messages": given, "max_output_tokens": 1, "max_tokens": 1}
        for path in ("/responses", "/chat/completions"):
            response = httpx.post(f"{demo.base_url}{path}", json=body)
            assert response.status_code == 200, json.dumps(body)
