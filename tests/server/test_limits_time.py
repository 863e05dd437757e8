"""How long a run may take, and how long it or a stream may be silent."""

import asyncio
import gc
import time
import weakref
from typing import Any

import pytest

from streamui.errors import RunTimeoutError
from streamui.server.run import Run
from streamui.server.runs import Runs
from streamui.settings import settings
from streamui.streamable.value import StreamableValue

pytestmark = pytest.mark.slow


async def emit(_):
    pass


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def timers():
    """What the event loop is going to call later."""
    loop: Any = asyncio.get_running_loop()
    return [each for each in loop._scheduled if not each.cancelled()]


async def forever():
    await asyncio.Event().wait()


def asking(made, work=forever):
    async def ask():
        made.append(StreamableValue("part"))
        await work()

    return ask


async def test_a_function_without_a_time_limit_has_that_of_the_settings(monkeypatch, caplog):
    monkeypatch.setattr(settings, "run_limit", 0.02)
    made = []
    run = Run("State.ask", "page", label="app.State.ask")
    await run.drive(asking(made), emit)
    assert (made[0].value, made[0].status, made[0].error_code) == ("part", "error", "timeout")
    assert made[0].failure.sentence == "This took too long and was ended."
    assert isinstance(made[0].log.cause, RunTimeoutError)
    assert "app.State.ask ran for more than 0.02 s" in caplog.text
    assert run.status == "error"
    assert not timers()


@pytest.mark.parametrize("limits", [(0.0, None), (0.02, 0), (0.02, 60)])
async def test_a_time_limit_of_its_own_stands_instead_and_zero_is_none(limits, monkeypatch):
    default, own = limits
    monkeypatch.setattr(settings, "run_limit", default)
    made = []
    run = Run("State.ask", "page", time_limit=own)
    await run.drive(asking(made, lambda: asyncio.sleep(0.06)), emit)
    assert made[0].status == "done"
    assert not timers()


async def test_a_function_that_ignores_its_time_limit_does_not_keep_its_page_waiting(monkeypatch):
    monkeypatch.setattr(settings, "stop_grace", 0.01)
    made, release = [], asyncio.Event()

    async def stubborn():
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    run = Run("State.ask", "page", time_limit=0.01)
    task = asyncio.create_task(run.drive(asking(made, stubborn), emit))
    await until(lambda: made and made[0].closed)
    assert made[0].error_code == "timeout"
    assert not task.done()
    release.set()
    await task
    assert run.status == "error"
    assert run.failure is not None and run.failure.code == "timeout"


async def test_what_a_function_raises_after_its_time_is_over_does_not_hide_that():
    made = []

    async def clumsy():
        try:
            await forever()
        finally:
            raise ValueError("while cleaning up")

    await Run("State.ask", "page", time_limit=0.01).drive(asking(made, clumsy), emit)
    assert made[0].error_code == "timeout"


# -- silence --------------------------------------------------------------------------------


async def test_a_silent_run_ends_with_what_it_has_written(monkeypatch, caplog):
    monkeypatch.setattr(settings, "idle_limit", 0.03)
    made = []
    await Run("State.ask", "page", label="ask").drive(asking(made), emit)
    assert (made[0].value, made[0].error_code) == ("part", "timeout")
    assert "ask was silent for more than 0.03 s" in caplog.text
    assert not timers()


async def test_a_run_that_shows_life_goes_on(monkeypatch):
    monkeypatch.setattr(settings, "idle_limit", 0.5)
    made = []

    def showing(sign):
        async def ask():
            made.append(value := StreamableValue(""))
            deadline = time.monotonic() + 1.2
            while time.monotonic() < deadline:
                await asyncio.sleep(0.02)
                if sign == "a write":
                    value.append("x")
                elif sign == "a yield":
                    yield
                else:
                    StreamableValue("").done()

        return Run("State.ask", "page").drive(ask, emit)

    await asyncio.gather(*map(showing, ["a write", "a yield", "a new streamable"]))
    assert [value.status for value in made] == ["done"] * 3


async def test_a_run_that_waits_for_its_turn_is_not_silent(monkeypatch):
    monkeypatch.setattr(settings, "idle_limit", 1.0)
    runs = Runs()

    async def first():
        for _ in range(75):
            await asyncio.sleep(0.02)
            yield

    async def second():
        await asyncio.sleep(0.7)  # its silence begins with its turn

    def started(function):
        run = Run("State.ask", "page")
        return run, asyncio.create_task(run.drive(function, emit, runs.gate(run, 1)))

    calls = started(first), started(second)
    await until(lambda: calls[1][0].status == "waiting")
    await asyncio.gather(*(task for _, task in calls))
    assert [run.status for run, _ in calls] == ["done", "done"]


async def test_a_stream_of_nobodys_is_ended_when_it_is_silent(monkeypatch, caplog):
    monkeypatch.setattr(settings, "idle_limit", 0.5)
    monkeypatch.setattr(settings, "open_warning", 0.0)
    silent, alive = StreamableValue("part"), StreamableValue("")
    while not silent.closed:
        alive.append("x")
        await asyncio.sleep(0.005)
    assert (silent.value, silent.error_code) == ("part", "timeout")
    assert not alive.closed
    assert "no write for more than 0.5 s" in caplog.text
    assert silent.made_at in caplog.text
    alive.done()


async def test_what_follows_a_silent_source_lets_go_of_it(monkeypatch):
    monkeypatch.setattr(settings, "idle_limit", 0.03)
    closed = []

    async def source():
        try:
            yield "part"
            await forever()
        finally:
            closed.append(True)

    value = StreamableValue.from_source(source())
    await until(lambda: closed)
    assert (value.value, value.error_code) == ("part", "timeout")


async def test_by_default_silence_ends_nothing_and_watching_holds_nothing(monkeypatch):
    monkeypatch.setattr(settings, "open_warning", 0.0)
    value = StreamableValue("")
    assert settings.idle_limit == 0
    assert not timers()
    monkeypatch.setattr(settings, "idle_limit", 60.0)
    watched = weakref.ref(StreamableValue(""))
    gc.collect()
    assert watched() is None
    value.done()
