"""What the demo keeps between requests: responses, their input, conversations; and its models."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from streamui.models.demo import DemoServer
from tests.models.demo.reading import EVENTS, assert_no_more_than_known, events, post
from tests.models.demo.test_tools import WEATHER

ASKED: Any = {"model": "m"}


@pytest.mark.parametrize("asked", [{"summary": "auto"}, {"summary": "detailed", "effort": "high"}])
def test_a_summary_of_the_reasoning_is_given_when_it_is_asked_for(
    demo: DemoServer, asked: dict[str, str]
) -> None:
    body: Any = {"model": "m", "input": "Write 3 words about tea, flat out", "reasoning": asked}
    sent = events(post(demo, "/responses", stream=True, **body))
    names = [name for name, _ in sent]
    for name, data in sent:
        event = EVENTS.validate_json(data)
        assert event.type == name
        assert_no_more_than_known(event)
    assert names.index("response.reasoning_summary_text.done") < names.index(
        "response.output_text.delta"
    )
    last: Response = EVENTS.validate_json(sent[-1][1]).response
    assert [item.type for item in last.output] == ["reasoning", "message"]
    assert last.reasoning is not None and last.reasoning.summary == asked["summary"]
    body |= {"store": False, "include": ["reasoning.encrypted_content"]}
    whole = Response.model_validate(post(demo, "/responses", **body).json())
    assert whole.output[0].type == "reasoning" and whole.output[0].encrypted_content
    assert_no_more_than_known(whole)
    del body["reasoning"]
    assert len(post(demo, "/responses", **body).json()["output"]) == 1


async def test_reasoning_comes_before_a_call_and_goes_back_with_it(client: AsyncOpenAI) -> None:
    asked: Any = {"model": "m", "tools": [WEATHER], "reasoning": {"summary": "auto"}}
    said: list[Any] = [{"role": "user", "content": "What is the weather in Rome? flat out"}]
    first = await client.responses.create(input=said, store=False, **asked)
    assert [item.type for item in first.output] == ["reasoning", "function_call"]
    call = first.output[1]
    assert call.type == "function_call"
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    said = [*said, *first.output, output]
    second = await client.responses.create(input=said, store=False, **asked)
    assert "21 degrees" in second.output_text


async def test_models_are_listed_and_described(client: AsyncOpenAI) -> None:
    [model] = [model async for model in client.models.list()]
    assert (await client.models.retrieve(model.id)) == model
    assert (await client.models.retrieve("org/other-model")).id == "org/other-model"


async def test_a_response_can_be_had_again_with_its_input_and_forgotten(
    client: AsyncOpenAI,
) -> None:
    first = await client.responses.create(input="My name is Ada, flat out", **ASKED)
    second = await client.responses.create(
        input="What is my name? flat out", previous_response_id=first.id, **ASKED
    )
    assert "Ada" in second.output_text
    assert await client.responses.retrieve(second.id) == second
    items = [item async for item in client.responses.input_items.list(second.id, order="asc")]
    for item in items:
        assert_no_more_than_known(item)
    assert [item.role for item in items if item.type == "message"] == ["user", "assistant", "user"]
    newest = await client.responses.input_items.list(second.id, limit=1)
    assert newest.data == items[-1:] and newest.has_more
    rest = await client.responses.input_items.list(second.id, after=newest.data[-1].id or "")
    assert rest.data == items[:2][::-1] and not rest.has_more
    await client.responses.delete(first.id)
    for call in (client.responses.retrieve, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            await call(first.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.create(input="x", previous_response_id=first.id, **ASKED)
    unkept = await client.responses.create(input="Write 1 word flat out", store=False, **ASKED)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(unkept.id)


async def test_a_conversation_keeps_the_thread(client: AsyncOpenAI) -> None:
    before: Any = [{"type": "message", "role": "user", "content": "My name is Ada"}]
    conversation = await client.conversations.create(items=before, metadata={"a": "b"})
    assert_no_more_than_known(conversation)
    asked: Any = {"conversation": conversation.id, **ASKED}
    answer = await client.responses.create(input="What is my name? flat out", **asked)
    assert "Ada" in answer.output_text
    assert answer.conversation is not None and answer.conversation.id == conversation.id
    stream = await client.responses.create(input="What did I ask? flat out", stream=True, **asked)
    last: Any = [event async for event in stream][-1]
    assert "What is my name?" in last.response.output_text
    listed = client.conversations.items.list(conversation.id, order="asc")
    items = [item async for item in listed]
    for item in items:
        assert_no_more_than_known(item)
    roles = [item.role for item in items if item.type == "message"]
    assert roles == ["user", "user", "assistant", "user", "assistant"]
    assert items[2].id == answer.output[0].id


async def test_the_items_of_a_conversation_can_be_changed(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    said: Any = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    added = await client.conversations.items.create(conversation.id, items=said)
    assert_no_more_than_known(added)
    assert [item.role for item in added.data if item.type == "message"] == ["user", "assistant"]
    first = await client.conversations.items.retrieve(
        added.first_id, conversation_id=conversation.id
    )
    assert first == added.data[0]
    left = await client.conversations.items.delete(added.first_id, conversation_id=conversation.id)
    assert left.id == conversation.id
    page = await client.conversations.items.list(conversation.id)
    assert page.data == added.data[1:]
    changed = await client.conversations.update(conversation.id, metadata={"x": "y"})
    assert changed.metadata == {"x": "y"}
    gone = await client.conversations.delete(conversation.id)
    assert gone.deleted and gone.id == conversation.id
    for call in (client.conversations.retrieve, client.conversations.items.list):
        with pytest.raises(openai.NotFoundError):
            await call(conversation.id)


async def test_a_conversation_remembers_calls_and_wants_their_results(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    asked: Any = {"conversation": conversation.id, "tools": [WEATHER], **ASKED}
    first = await client.responses.create(input="What is the weather in Rome? flat out", **asked)
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call"):
        await client.responses.create(input="Never mind", **asked)
    [call] = first.output
    assert call.type == "function_call"
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    second = await client.responses.create(input=[output], **asked)
    assert "21 degrees" in second.output_text
    types = [item.type async for item in client.conversations.items.list(conversation.id)]
    assert types == ["message", "function_call_output", "function_call", "message"]


async def test_a_response_has_one_thread_only(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    with pytest.raises(openai.BadRequestError, match="Mutually exclusive"):
        await client.responses.create(
            input="x", conversation=conversation.id, previous_response_id="r", **ASKED
        )


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"order": "up"}, {"after": "x"}])
async def test_a_list_is_asked_for_properly(client: AsyncOpenAI, query: Any) -> None:
    conversation = await client.conversations.create()
    with pytest.raises(openai.BadRequestError, match="Invalid"):
        await client.conversations.items.list(conversation.id, **query)
