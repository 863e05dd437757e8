from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

import streamui as ui
from streamui.models.events import ToolCall, ToolResult
from streamui.models.tool import tools_by_name
from streamui.models.tool_calls import run_calls
from streamui.settings import settings
from tests.models.tool_running import failure, result_in, run

Until = Callable[..., Awaitable[float]]


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
