from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from datetime import date
from typing import Any, Literal, cast

import pytest

import streamui as ui
from streamui.models.events import ToolProgress, ToolResult, ToolStart
from streamui.settings import settings
from tests.models.tool_running import failure, result_in, run

who: ContextVar[str] = ContextVar("who", default="nobody")


async def test_each_call_has_a_start_and_a_result() -> None:
    async def add(a: int, b: int = 2) -> dict[str, int]:
        return {"sum": a + b}

    assert await run(add, written='{"a": 1}') == [
        ToolStart("call-0", "add", {"a": 1, "b": 2}),
        ToolResult("call-0", "add", {"sum": 3}, output='{"sum": 3}'),
    ]


async def test_the_calls_of_a_turn_run_side_by_side() -> None:
    together = threading.Barrier(3)  # nobody passes it alone

    def first() -> str:
        together.wait(10)
        return "first"

    def second() -> str:
        together.wait(10)
        return "second"

    async def third() -> str:
        await asyncio.to_thread(together.wait, 10)
        return "third"

    events = await run(first, second, third)
    results = {event.result for event in events if event.type == "tool-result"}
    assert results == {"first", "second", "third"}
    assert [event.type for event in events[:3]] == ["tool-start"] * 3


async def test_a_sync_tool_runs_in_a_thread_with_the_context_of_its_caller() -> None:
    here = threading.get_ident()

    def look() -> str:
        assert threading.get_ident() != here
        return who.get()

    async def look_async() -> str:
        assert threading.get_ident() == here
        return who.get()

    token = who.set("somebody")
    events = await run(look, look_async)
    who.reset(token)
    assert [event.result for event in events if event.type == "tool-result"].count("somebody") == 2


async def test_a_tool_knows_its_call_and_tells_how_far_it_is() -> None:
    async def go(context: ui.ToolContext[list[str]]) -> str:
        context.context.append(f"{context.call_id} {context.name}")
        context.progress({"percent": 50})
        return "there"

    def go_by_thread(context: ui.ToolContext[list[str]]) -> str:
        context.progress("half")
        return "there"

    notes: list[str] = []
    events = await run(go, context=notes)
    assert notes == ["call-0 go"]
    assert events[1:] == [
        ToolProgress("call-0", "go", {"percent": 50}),
        ToolResult("call-0", "go", "there", output="there"),
    ]
    events = await run(go_by_thread)
    assert [event.type for event in events] == ["tool-start", "tool-progress", "tool-result"]


async def test_what_a_generator_yields_is_progress_and_the_last_is_its_result() -> None:
    async def steps() -> AsyncIterator[Any]:
        yield 1
        yield ui.ToolOutput(model="two", page={"n": 2})

    def thread_steps() -> Iterator[Any]:
        yield 1
        yield ui.ToolOutput(model="two", page={"n": 2})

    for function in (steps, thread_steps):
        events = await run(function)
        told = [event.data for event in events if isinstance(event, ToolProgress)]
        assert told == [1, {"n": 2}]
        result = result_in(events)
        assert (result.result, result.output) == ({"n": 2}, "two")


async def test_a_tool_may_be_any_callable() -> None:
    class Greeter:
        async def __call__(self) -> str:
            return "hello"

    async def hidden() -> str:
        return "hello"

    for function in (Greeter(), lambda: hidden()):
        made = ui.Tool(cast("Callable[[], Any]", function), name="greet")
        assert result_in(await run(made)).result == "hello"


async def test_results_are_small_for_the_model_and_rich_for_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "tool_output", 10)

    async def long() -> str:
        return "0123456789abc"

    async def rich() -> ui.ToolOutput:
        return ui.ToolOutput(model="3 rows", page=[{"row": n} for n in range(3)])

    result = result_in(await run(long))
    assert result.result == "0123456789abc"
    note = "[The result was cut: 10 of 13 characters are shown.]"
    assert result.output == f"0123456789\n{note}"
    result = result_in(await run(rich))
    assert (len(result.result), result.output) == (3, "3 rows")


async def test_a_streamable_may_be_the_pages_result_and_not_the_models() -> None:
    value = ui.StreamableValue("x").done()

    async def rich() -> ui.ToolOutput:
        return ui.ToolOutput(model="a chart", page=value)

    async def poor() -> Any:
        return value

    assert result_in(await run(rich)).result is value
    assert (await failure(poor)).code == "not_json"


@dataclasses.dataclass
class Place:
    city: str
    country: str = "Norway"


@ui.tool
async def reserve(
    place: Place, nights: int, day: date, kind: Literal["inn", "hotel"] = "hotel"
) -> dict[str, Any]:
    """Book a room."""
    return {"booked": f"{place.city}, {place.country}, {nights}, {day:%d.%m.%Y}, {kind}"}


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_model_that_keeps_to_the_strict_schema_calls_it_right(
    api: Any, no_key: None
) -> None:
    question = "Book a room in Oslo for 2 nights on 2027-01-02, flat out"
    options: dict[str, Any] = {"model": ui.Model(api=api), "tool_choice": "required"}
    result = ui.stream_text(question, tools=[reserve], **options)
    assert "Oslo, Norway, 2, 02.01.2027, hotel" in await result.text
    (call,) = await result.tool_calls
    assert json.loads(call.arguments).keys() == {"place", "nights", "day", "kind"}
    assert reserve.strict
