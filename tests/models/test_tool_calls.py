from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from contextvars import ContextVar
from datetime import date
from typing import Any, Literal, cast

import pytest

import streamui as ui
from streamui.models.events import ToolCall, ToolProgress, ToolResult, ToolStart
from streamui.models.tool import tools_by_name
from streamui.models.tool_calls import ToolEvent, run_calls
from streamui.server.run import Run
from streamui.settings import settings

Until = Callable[..., Awaitable[float]]
who: ContextVar[str] = ContextVar("who", default="nobody")


def calls_of(*functions: Any, written: str = "{}") -> list[ToolCall]:
    tools = tools_by_name(functions)
    return [ToolCall(f"call-{n}", name, written) for n, name in enumerate(tools)]


async def run(*functions: Any, written: str = "{}", context: Any = None) -> list[ToolEvent]:
    calls = calls_of(*functions, written=written)
    return [event async for event in run_calls(calls, tools_by_name(functions), context=context)]


def result_in(events: list[ToolEvent]) -> ToolResult:
    (result,) = [event for event in events if isinstance(event, ToolResult)]
    assert events[-1] is result
    return result


async def failure(function: Any, written: str = "{}") -> ToolResult:
    result = result_in(await run(function, written=written))
    assert result.code and result.sentence and result.reference and result.result is None
    return result


# -- what runs -----------------------------------------------------------------------------


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


# -- what fails ----------------------------------------------------------------------------


async def test_a_tool_that_does_not_exist() -> None:
    async def look() -> None: ...

    call = ToolCall("1", "lock" * 40, "{}")
    (result,) = [event async for event in run_calls([call], tools_by_name([look]))]
    assert isinstance(result, ToolResult)
    assert result.code == "unknown_tool"
    assert result.output == f"Error: there is no tool '{'lock' * 16}'. There are: look."


async def test_arguments_that_do_not_fit_are_told_and_nothing_runs() -> None:
    async def add(a: int) -> None:
        raise AssertionError

    result = await failure(add, '{"a": "x"}')
    assert result.code == "bad_arguments"
    assert result.output.startswith("Error: the arguments do not fit. a: Input should be a valid")


async def test_what_a_tool_raises_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def look() -> None:
        raise ValueError("the row 17 of /srv/db, password=hunter2")

    result = await failure(look)
    assert result.code == "failed"
    assert result.output == f"Error: the tool failed (reference {result.reference})."
    assert "row 17" not in f"{result.sentence} {result.output}"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert f"Tool look [{result.reference}]" in record.message and "row 17" in record.message
    assert "hunter2" not in record.message


class SoldOutError(ui.StreamUIError):
    code = "sold_out"
    sentence = "There is none left."


@pytest.mark.parametrize(
    ("error", "code", "output"),
    [
        (SoldOutError("for the log"), "sold_out", "Error: There is none left."),
        (ui.ToolError("x", sentence="Ask for a date."), "failed", "Error: Ask for a date."),
        (ui.ModelError("x", code="overloaded"), "overloaded", "Error: The model's service is"),
        (TimeoutError("its own"), "failed", "Error: the tool failed (reference"),
        (SystemExit(3), "failed", "Error: the tool failed (reference"),
        (GeneratorExit(), "failed", "Error: the tool failed (reference"),
        (pytest.fail.Exception("x"), "failed", "Error: the tool failed (reference"),
        (asyncio.CancelledError(), "failed", "Error: the tool failed (reference"),
        (StopIteration(), "failed", "Error: the tool failed (reference"),
        (ExceptionGroup("two", [ValueError()]), "failed", "Error: the tool failed (reference"),
    ],
)
async def test_whatever_is_raised_is_one_typed_result(
    error: BaseException, code: str, output: str
) -> None:
    async def look() -> None:
        raise error

    def look_in_thread() -> None:
        raise error

    for function in (look, look_in_thread):
        result = await failure(function)
        assert result.code == code
        assert result.output.startswith(output)


@pytest.mark.parametrize("given", [object(), {1, 2}, {1: 2}, float("nan"), 2**60, b"x"])
async def test_a_result_that_is_no_json(given: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def look() -> Any:
        return given

    async def tell() -> AsyncIterator[Any]:
        yield given
        yield "never"

    for function in (look, tell):
        result = await failure(function)
        assert result.code == "not_json"
        assert result.output == "Error: A tool of the model gave something that cannot be sent."
    assert "not_json: $ " in caplog.text


async def test_a_generator_is_closed_when_what_it_yields_is_no_json() -> None:
    ended: list[str] = []

    async def tell() -> AsyncIterator[Any]:
        try:
            yield object()
        finally:
            await asyncio.sleep(0)
            ended.append("tell")

    def tell_in_thread() -> Iterator[Any]:
        try:
            yield object()
        finally:
            ended.append("tell_in_thread")

    for function in (tell, tell_in_thread):
        assert (await failure(function)).code == "not_json"
        assert ended[-1:] == [function.__name__]


async def test_a_result_that_is_too_large_for_a_page_still_reaches_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "object_bytes", 100)

    async def look() -> str:
        return "x" * 101

    result = await failure(look)
    assert result.code == "too_large"
    assert result.output == "x" * 101


async def test_an_async_tool_that_takes_too_long_is_cancelled(until: Until) -> None:
    ended: list[str] = []

    @ui.tool(timeout=0.02)
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    result = await failure(wait)
    assert ended == ["ended"]
    assert result.code == "timeout"
    assert result.output == "Error: the tool was ended because it took more than 0.02 seconds."


async def test_the_result_of_a_thread_that_takes_too_long_is_dropped(until: Until) -> None:
    go_on, ended = threading.Event(), threading.Event()
    told: list[bool] = []

    def steps(context: ui.ToolContext[None]) -> Iterator[int]:
        yield 1
        try:
            go_on.wait(10)
            context.progress("nobody listens")
            yield 2
            told.append(True)
        finally:
            ended.set()

    result = result_in(await run(ui.Tool(steps, timeout=0.05)))
    assert result.code == "timeout"
    go_on.set()
    await until(ended.is_set)
    assert not told, "a generator ends at the next yield"
    await until(lambda: "streamui tool" not in [thread.name for thread in threading.enumerate()])


async def test_a_timeout_of_zero_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "tool_timeout", 1e-9)

    async def wait() -> str:
        await asyncio.sleep(0.01)
        return "there"

    assert (await failure(wait)).code == "timeout"
    assert result_in(await run(ui.Tool(wait, timeout=0))).result == "there"


# -- what is stopped -----------------------------------------------------------------------


def tool_tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("streamui tool")]


async def test_leaving_cancels_what_runs_and_leaves_nothing_behind() -> None:
    ended: list[str] = []

    async def first() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("first")

    async def second() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            ended.append("second")

    async with aclosing(run_calls(calls_of(first, second), tools_by_name([first, second]))) as all:
        async for event in all:
            if event.type == "tool-progress":
                break
    assert sorted(ended) == ["first", "second"]
    assert not tool_tasks()


async def test_cancelling_the_reader_cancels_the_tools_at_once(until: Until) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    reader = asyncio.create_task(run(wait))
    await started.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert ended.is_set()
    assert not tool_tasks()


async def test_a_tool_that_goes_on_after_a_stop_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, until: Until
) -> None:
    monkeypatch.setattr(settings, "stop_grace", 0.01)
    go_on = asyncio.Event()

    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await go_on.wait()
        return "late"

    events = run_calls(calls_of(stubborn), tools_by_name([stubborn]))
    assert (await anext(events)).type == "tool-start"
    await asyncio.sleep(0)
    await events.aclose()
    assert "streamui tool stubborn was cancelled, and goes on" in caplog.text
    go_on.set()
    await until(lambda: not tool_tasks())


async def test_what_a_tool_opens_belongs_to_the_run(until: Until) -> None:
    made: list[ui.StreamableValue[str]] = []

    def begin() -> str:
        made.append(ui.StreamableValue("by thread"))
        return "x"

    async def wait() -> None:
        made.append(ui.StreamableValue("by task"))
        await asyncio.Event().wait()

    async def body() -> None:
        await run(begin, wait)

    async def emit(_: Any) -> None: ...

    function = Run("ask", "page")
    driving = asyncio.create_task(function.drive(body, emit))
    await until(lambda: len(made) == 2)
    function.stop()
    await driving
    assert [value.status for value in made] == ["cancelled", "cancelled"]
    assert not tool_tasks()


async def test_a_thread_does_not_keep_the_loop_from_ending(until: Until) -> None:
    go_on = threading.Event()

    def wait() -> None:
        go_on.wait(10)

    async def main() -> None:
        events = run_calls(calls_of(wait), tools_by_name([wait]))
        await anext(events)
        await asyncio.sleep(0)
        await events.aclose()

    await asyncio.to_thread(asyncio.run, main())
    (left,) = [thread for thread in threading.enumerate() if thread.name == "streamui tool"]
    assert left.daemon, "the process's end does not wait for it either"
    go_on.set()
    await until(lambda: "streamui tool" not in [thread.name for thread in threading.enumerate()])


# -- with a model --------------------------------------------------------------------------


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
