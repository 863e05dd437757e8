"""What only openai-agents has."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI

from streamui.errors import ModelError
from streamui.models.events import ModelEvent
from streamui.models.model_events import model_events
from tests.models.foreign.libraries import agents_run, get_weather

QUIET = RunConfig(tracing_disabled=True)
WEATHER = "What is the weather in Rome? flat out"


def agent(client: AsyncOpenAI, **more: Any) -> Agent[Any]:
    return Agent(name="demo", model=OpenAIResponsesModel("m", client), **more)


async def read(stream: Any) -> list[ModelEvent]:
    return [event async for event in model_events(stream)]


async def test_a_tool_that_has_to_be_allowed_is_an_approval(client: AsyncOpenAI) -> None:
    tool = function_tool(get_weather, needs_approval=True)
    events = await read(Runner.run_streamed(agent(client, tools=[tool]), WEATHER, run_config=QUIET))
    [call] = [event for event in events if event.type == "tool-call"]
    [asked] = [event for event in events if event.type == "tool-approval"]
    assert (asked.id, asked.name, asked.arguments) == (call.id, "get_weather", {"city": "Rome"})
    assert events[-1].type == "finish" and events[-1].reason == "tool-calls"


async def test_a_tool_whose_result_is_the_answer_ends_well(client: AsyncOpenAI) -> None:
    tools = [function_tool(get_weather)]
    made = agent(client, tools=tools, tool_use_behavior="stop_on_first_tool")
    events = await read(Runner.run_streamed(made, WEATHER, run_config=QUIET))
    assert events[-1].type == "finish" and events[-1].reason == "stop"


async def test_too_many_turns_are_a_model_error(client: AsyncOpenAI) -> None:
    made = agent(client, tools=[function_tool(get_weather)])
    with pytest.raises(ModelError) as raised:
        await read(Runner.run_streamed(made, WEATHER, run_config=QUIET, max_turns=1))
    assert raised.value.code == "failed"


async def test_a_guardrail_is_a_refusal(client: AsyncOpenAI) -> None:
    async def never(*_: Any) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    made = agent(client, input_guardrails=[InputGuardrail(guardrail_function=never)])
    with pytest.raises(ModelError) as raised:
        await read(Runner.run_streamed(made, WEATHER, run_config=QUIET))
    assert raised.value.code == "refused"


async def test_a_run_that_somebody_else_cancels_is_not_done(client: AsyncOpenAI) -> None:
    run = agents_run(client, "responses", "Write 1000 words about tea at 200 words per second")
    with pytest.raises(ModelError) as raised:
        async for event in model_events(run):
            if event.type == "text-delta":
                run.cancel()
    assert raised.value.code == "truncated"


@pytest.mark.parametrize("events_only", [False, True])
async def test_a_run_that_nobody_reads_is_stopped(client: AsyncOpenAI, events_only: bool) -> None:
    run = agents_run(client, "responses", "Write 1000 words about tea at 200 words per second")
    events = model_events(run.stream_events() if events_only else run)
    await asyncio.sleep(0)
    await events.aclose()
    assert run.run_loop_task.done()
