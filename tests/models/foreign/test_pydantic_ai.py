"""What only pydantic-ai has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, DeferredToolRequests, ModelRetry, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from pydantic_ai.models.test import TestModel

from streamui.errors import ModelError
from streamui.models.events import ModelEvent
from streamui.models.model_events import model_events
from tests.models.foreign.libraries import pydantic_agent


async def read(stream: Any) -> list[ModelEvent]:
    return [event async for event in model_events(stream)]


async def test_a_model_for_tests_ends_well_without_a_finish_reason() -> None:
    async def write(*_: Any) -> AsyncIterator[str]:
        yield "Hello "
        yield "there"

    for model in (
        TestModel(custom_output_text="Hello there"),
        FunctionModel(stream_function=write),
    ):
        events = await read(Agent(model).run_stream_events("?"))
        assert "".join(e.delta for e in events if e.type == "text-delta") == "Hello there"
        assert events[-1].type == "finish" and events[-1].reason == "stop"


async def test_what_run_stream_has_given_may_be_read_as_well(client: AsyncOpenAI) -> None:
    question = "Write 5 words about tea flat out"
    async with pydantic_agent(client, "chat").run_stream(question) as result:
        events = await read(result)
    assert sum(event.type == "text-delta" for event in events) == 5
    assert events[-1].type == "finish"


async def test_a_tool_that_has_to_be_allowed_is_an_approval() -> None:
    agent = Agent(TestModel(), output_type=[str, DeferredToolRequests])

    @agent.tool_plain(requires_approval=True)
    def pay(amount: int) -> str:
        raise AssertionError("nobody has allowed it")

    events = await read(agent.run_stream_events("?"))
    [call] = [event for event in events if event.type == "tool-call"]
    [asked] = [event for event in events if event.type == "tool-approval"]
    assert (asked.id, asked.name, asked.arguments) == (call.id, "pay", {"amount": 0})
    assert events[-1].type == "finish" and events[-1].reason == "tool-calls"


async def test_a_tool_that_fails_has_a_result_with_a_code() -> None:
    agent = Agent(TestModel(), retries=1)
    tries: list[int] = []

    @agent.tool_plain
    def add(a: int) -> dict[str, int]:
        tries.append(a)
        if len(tries) == 1:
            raise ModelRetry("once more: sk-secret123456")
        return {"sum": a}

    events = await read(agent.run_stream_events("?"))
    first, second = [event for event in events if event.type == "tool-result"]
    assert (first.code, first.result) == ("failed", None) and first.sentence
    assert "secret" not in repr(first)
    assert (second.code, second.result) == ("", {"sum": 0})


async def test_arguments_that_do_not_fit_are_told_as_such() -> None:
    async def write(messages: list[Any], _: Any) -> AsyncIterator[Any]:
        if len(messages) == 1:
            yield {0: DeltaToolCall(name="add", json_args='{"a": "many"}')}
        else:
            yield "Never mind"

    agent = Agent(FunctionModel(stream_function=write))
    agent.tool_plain(add)
    events = await read(agent.run_stream_events("?"))
    assert [event.code for event in events if event.type == "tool-result"] == ["bad_arguments"]


def add(a: int) -> int:
    """Add."""
    return a


class City(BaseModel):
    """A structured output."""

    name: str


async def test_structured_output_is_a_call_and_the_end() -> None:
    agent = Agent(TestModel(custom_output_args={"name": "Rome"}), output_type=City)
    events = await read(agent.run_stream_events("?"))
    [call] = [event for event in events if event.type == "tool-call"]
    assert City.model_validate_json(call.arguments) == City(name="Rome")
    assert events[-1].type == "finish" and events[-1].reason == "stop"


async def test_limits_and_misbehaviour_are_model_errors() -> None:
    def misbehave() -> str:
        """Fail."""
        raise UnexpectedModelBehavior("no")

    for tool, limits, code in (
        (add, UsageLimits(request_limit=1), "failed"),
        (misbehave, None, "malformed"),
    ):
        agent = Agent(TestModel(), tools=[tool])
        with pytest.raises(ModelError) as raised:
            await read(agent.run_stream_events("?", usage_limits=limits))
        assert raised.value.code == code
