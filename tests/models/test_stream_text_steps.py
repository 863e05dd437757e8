"""A model that calls tools: step after step, until it is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

import pytest

import streamui as ui
from streamui.errors import ModelError, StreamCancelledError
from streamui.models import upstream
from streamui.models.client import aclose_default_clients
from streamui.models.demo import DemoServer
from streamui.models.step import Step

Api = Literal["responses", "chat"]
Sse = Callable[..., str]
Until = Callable[..., Awaitable[float]]
CREATED = {"type": "response.created", "response": {"id": "r", "output": []}}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}


@ui.tool
def weather(city: str) -> str:
    """Look up the weather of a city."""
    return f"Sunny in {city}"


def completed(id: str, tokens: int = 1) -> dict[str, Any]:
    usage = {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": tokens},
        "output_tokens": tokens,
        "total_tokens": 2 * tokens,
    }
    response = {"id": id, "status": "completed", "output": [], "usage": usage}
    return {"type": "response.completed", "response": response}


def done(place: int, **item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": place, "item": item}


def called(id: str, *cities: str, name: str = "weather") -> list[dict[str, Any]]:
    """A response that thinks, and calls a tool for each city."""
    said = [CREATED, done(0, **REASONING)]
    for place, city in enumerate(cities, 1):
        item = {"type": "function_call", "id": f"fc_{city}", "call_id": city, "name": name}
        added = {**item, "arguments": ""}
        arguments = json.dumps({"city": city})
        where = {"item_id": item["id"], "output_index": place}
        said += [
            {"type": "response.output_item.added", "output_index": place, "item": added},
            {"type": "response.function_call_arguments.done", **where, "arguments": arguments},
            done(place, **item, arguments=arguments, status="completed"),
        ]
    return [*said, completed(id)]


def wrote(id: str, text: str) -> list[dict[str, Any]]:
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return [
        CREATED,
        {"type": "response.output_text.delta", **place, "delta": text},
        done(0, type="message", id="m", role="assistant", status="completed", content=content),
        completed(id, 2),
    ]


Scripted = Callable[..., Awaitable[tuple[ui.Model, Any]]]


@pytest.fixture
async def scripted(provider: Any, sse: Sse) -> AsyncIterator[Scripted]:
    """A provider that answers with one list of events after the other."""

    async def start(*answers: list[dict[str, Any]], **options: Any) -> tuple[ui.Model, Any]:
        first = tuple({"body": (sse(*events).encode(),)} for events in answers)
        _, server = await provider(b"", first=first, **options)
        return ui.Model("m", server.base_url), server

    yield start
    await aclose_default_clients()


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_the_model_is_asked_again_with_what_its_tools_gave(
    demo_by_default: DemoServer, api: Api
) -> None:
    result = ui.stream_text(
        "What is the weather in Rome? flat out", tools=[weather], model=ui.Model(api=api)
    )
    types = [event.type async for event in result if event.type != "provider"]
    assert types[0] == "step-start" and types[-2:] == ["usage", "finish"]
    assert types.count("usage") == types.count("finish") == 1
    order = ["tool-call", "step-finish", "tool-result", "step-start", "text-delta", "text-end"]
    places = [types.index(each, 1) for each in order]
    assert places == sorted(places)
    assert "Sunny in Rome" in await result
    first, last = await result.steps
    assert [call.name for call in first.tool_calls] == ["weather"]
    assert [each.output for each in first.tool_results] == ["Sunny in Rome"]
    assert (first.finish_reason, last.finish_reason) == ("tool-calls", "stop")
    assert await result.tool_calls == first.tool_calls
    response = await result.response
    assert response.id == last.response_id
    kinds = [item.get("type", "message") for item in response.messages]
    assert kinds == ["function_call", "function_call_output", "message"]
    usage = await result.usage
    assert usage is not None and first.usage is not None and last.usage is not None
    assert usage.total_tokens == first.usage.total_tokens + last.usage.total_tokens


async def test_a_conversations_history_can_be_asked_on_in_either_api(
    demo_by_default: DemoServer,
) -> None:
    question = {"role": "user", "content": "What is the weather in Rome? flat out"}
    result = ui.stream_text([question], tools=[weather])
    history = [question, *(await result.response).messages]
    for api in ("responses", "chat"):
        again = ui.stream_text("Thanks, flat out", messages=history, model=ui.Model(api=api))
        assert await again.finish_reason == "stop"


async def test_each_step_sends_all_messages_and_usage_is_added_up(scripted: Scripted) -> None:
    model, server = await scripted(called("r1", "Rome", "Oslo"), wrote("r2", "Fine"))
    result = ui.stream_text("Weather?", tools=[weather], model=model, system="Be brief")
    assert await result == "Fine"
    first, second = server.bodies
    assert first["instructions"] == second["instructions"] == "Be brief"
    assert first["tools"][0]["name"] == "weather" and first["tools"][0]["strict"] is True
    outputs = [
        {"type": "function_call_output", "call_id": city, "output": f"Sunny in {city}"}
        for city in ("Rome", "Oslo")
    ]
    assert second["input"][0] == first["input"][0] == {"role": "user", "content": "Weather?"}
    kinds = [item["type"] for item in second["input"][1:]]
    assert kinds == ["reasoning", "function_call", "function_call", *2 * ["function_call_output"]]
    assert second["input"][-2:] == outputs
    usage = await result.usage
    assert usage is not None
    assert (usage.input_tokens, usage.total_tokens) == (3, 6)
    assert usage.details["cached_tokens"] == 3
    assert (await result.response).messages[:5] == second["input"][1:]


async def test_an_empty_line_parts_the_texts_of_two_steps(scripted: Scripted) -> None:
    first = [*wrote("r1", "Let me look.")[:-1], *called("r1", "Rome")[2:]]
    model, _ = await scripted(first, wrote("r2", "Fine"))
    result = ui.stream_text("?", tools=[weather], model=model)
    assert await result == "".join([p async for p in result.text_stream])
    assert await result == "Let me look.\n\nFine"
    assert [step.text for step in await result.steps] == ["Let me look.", "Fine"]


async def test_a_chain_of_responses_is_gone_on_with(scripted: Scripted) -> None:
    model, server = await scripted(called("r1", "Rome"), wrote("r2", "Fine"))
    result = ui.stream_text("?", tools=[weather], model=model, previous_response_id="r0")
    assert await result == "Fine"
    first, second = server.bodies
    assert (first["previous_response_id"], second["previous_response_id"]) == ("r0", "r1")
    assert [item["type"] for item in second["input"]] == ["function_call_output"]


async def test_a_conversation_gets_what_is_new(scripted: Scripted) -> None:
    model, server = await scripted(called("r1", "Rome"), wrote("r2", "Fine"))
    await ui.stream_text("?", tools=[weather], model=model, conversation="conv_1")
    assert [body["conversation"] for body in server.bodies] == ["conv_1", "conv_1"]
    assert [item["type"] for item in server.bodies[1]["input"]] == ["function_call_output"]


async def test_a_ui_conversation_is_honoured(demo_by_default: DemoServer) -> None:
    conversation = ui.Conversation()
    question = "What is the weather in Rome? flat out"
    result = ui.stream_text(question, tools=[weather], conversation=conversation)
    assert "Sunny in Rome" in await result
    assert conversation.id.startswith("conv_") and not conversation.unsent
    last = ui.stream_text(question, tools=[weather], conversation=conversation, max_steps=1)
    assert await last.finish_reason == "tool-calls"
    assert [item["output"] for item in conversation.unsent] == ["Sunny in Rome"]


async def test_what_a_provider_does_not_store_is_not_referred_to(scripted: Scripted) -> None:
    model, server = await scripted(called("r1", "Rome"), wrote("r2", "Fine"))
    await ui.stream_text("?", tools=[weather], model=model, store=False)
    assert "reasoning" not in [item.get("type") for item in server.bodies[1]["input"]]


async def test_a_tool_that_must_be_called_is_called_once(scripted: Scripted) -> None:
    model, server = await scripted(called("r1", "Rome"), wrote("r2", "Fine"))
    await ui.stream_text("?", tools=[weather], model=model, tool_choice="required")
    assert server.bodies[0]["tool_choice"] == "required"
    assert "tool_choice" not in server.bodies[1]


async def test_it_ends_after_max_steps_with_the_last_tools_run(scripted: Scripted) -> None:
    model, server = await scripted(*(called(f"r{n}", f"c{n}") for n in range(3)))
    result = ui.stream_text("?", tools=[weather], model=model, max_steps=2)
    assert await result.finish_reason == "tool-calls"
    assert server.requests == 2
    assert [len(step.tool_results) for step in await result.steps] == [1, 1]


async def test_a_function_of_the_apps_own_is_handed_over(scripted: Scripted) -> None:
    model, server = await scripted(called("r1", "Rome", name="mine"))
    mine = {"type": "function", "name": "mine", "parameters": {"type": "object"}}
    result = ui.stream_text("?", tools=[weather, mine], model=model)
    assert [call.id for call in await result.tool_calls] == ["Rome"]
    assert await result.finish_reason == "tool-calls"
    assert server.bodies[0]["tools"][1] == mine
    assert [item["type"] for item in (await result.response).messages] == [
        "reasoning",
        "function_call",
    ]


async def test_calls_of_an_answer_that_was_cut_short_are_not_run(scripted: Scripted) -> None:
    events = called("r1", "Rome")
    events[-1]["type"] = "response.incomplete"
    events[-1]["response"] |= {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
    }
    model, _ = await scripted(events)
    result = ui.stream_text("?", tools=[weather], model=model)
    assert await result.finish_reason == "length"
    assert not [event async for event in result if event.type == "tool-result"]
    assert [item["type"] for item in (await result.response).messages] == ["reasoning"]


async def test_a_tools_failure_goes_back_to_the_model(scripted: Scripted) -> None:
    def broken(city: str) -> str:
        raise ui.ToolError("no map", sentence="There is no map.")

    model, server = await scripted(called("r1", "Rome", name="broken"), wrote("r2", "Sorry"))
    result = ui.stream_text("?", tools=[broken], model=model)
    assert await result == "Sorry"
    assert "There is no map." in server.bodies[1]["input"][-1]["output"]
    failed = [event async for event in result if event.type == "tool-result"]
    assert [event.sentence for event in failed] == ["There is no map."]


async def test_what_a_stream_said_before_it_began_anew_is_no_message(
    scripted: Scripted, sse: Sse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "_FIRST_DELAY", 0.01)
    model, server = await scripted([CREATED, done(0, **REASONING)], wrote("r2", "Fine"))
    result = ui.stream_text("?", model=model)
    assert await result == "Fine" and server.requests == 2
    assert [item["type"] for item in (await result.response).messages] == ["message"]


async def test_a_failure_in_a_later_step_ends_it_all(scripted: Scripted) -> None:
    error = {"type": "error", "code": "server_error", "message": "no", "param": None}
    model, _ = await scripted(called("r1", "Rome"), [CREATED, error])
    steps: list[Step] = []
    result = ui.stream_text("?", tools=[weather], model=model, on_step=steps.append, retries=0)
    with pytest.raises(ModelError) as raised:
        await result
    assert raised.value.code == "server_error"
    assert [step.number for step in steps] == [1]
    types: list[str] = []
    with suppress(ModelError):
        async for event in result:
            types.append(event.type)
    assert types[-1] == "error"


async def test_tools_know_the_context_and_tell_how_far_they_are(scripted: Scripted) -> None:
    async def look(city: str, call: ui.ToolContext[dict[str, str]]) -> str:
        call.progress({"percent": 50})
        return call.context[city]

    model, server = await scripted(called("r1", "Rome", name="look"), wrote("r2", "Fine"))
    result = ui.stream_text("?", tools=[look], model=model, context={"Rome": "rain"})
    told = [event.data async for event in result if event.type == "tool-progress"]
    assert told == [{"percent": 50}]
    assert server.bodies[1]["input"][-1]["output"] == "rain"


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_call_waits_until_somebody_allows_it(scripted: Scripted, allowed: bool) -> None:
    ran: list[str] = []

    @ui.tool(approval=True)
    def book(city: str) -> str:
        ran.append(city)
        return "booked"

    model, server = await scripted(called("r1", "Rome", name="book"), wrote("r2", "Fine"))
    result = ui.stream_text("?", tools=[book], model=model)
    async for event in result:
        if event.type == "tool-approval":
            assert not ran and event.arguments == {"city": "Rome"}
            told = result.approve(event.id) if allowed else result.deny(event.id, "Too dear.")
            assert told and not result.approve(event.id)
    assert ran == (["Rome"] if allowed else [])
    output = server.bodies[1]["input"][-1]["output"]
    assert output == "booked" if allowed else "Too dear." in output


async def test_a_stop_in_the_middle_of_a_tool_ends_it(scripted: Scripted, until: Until) -> None:
    running, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(city: str) -> str:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ""

    model, server = await scripted(called("r1", "Rome", name="wait"))
    result = ui.stream_text("?", tools=[wait], model=model)
    await running.wait()
    result.stop()
    with pytest.raises(StreamCancelledError):
        await result
    assert cancelled.is_set() and server.requests == 1
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()} | server.tasks)
