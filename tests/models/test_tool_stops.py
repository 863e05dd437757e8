from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

import streamui as ui
from streamui.models.tool import tools_by_name
from streamui.models.tool_calls import run_calls
from streamui.server.run import Run
from streamui.settings import settings
from tests.models.tool_running import calls_of, run

Until = Callable[..., Awaitable[float]]


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
