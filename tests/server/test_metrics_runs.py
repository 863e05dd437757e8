"""What is counted of calls of server functions."""

import asyncio

import pytest

import streamui as ui
from streamui.server import metrics
from streamui.server.run import Run
from streamui.server.runs import Runs
from streamui.streamable.value import StreamableValue
from tests.server.counting import Function


@pytest.fixture
def label():
    return Function().label


def told(label):
    return ui.stats().functions[label].runs


async def emit(item):
    pass


async def drive(label, function, gate=None, **options):
    run = Run(label, "page", label=label, **options)
    try:
        await run.drive(function, emit, gate(run) if gate else None)
    except ui.StreamUIError:
        pass
    return run


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_run_is_counted_while_it_runs_and_by_its_end(label):
    go_on = asyncio.Event()

    async def wait():
        await go_on.wait()

    running = asyncio.create_task(drive(label, wait))
    await until(lambda: label in ui.stats().functions)
    assert (told(label).started, told(label).running, told(label).ends) == (1, 1, {})
    go_on.set()
    await running
    assert (told(label).started, told(label).running, told(label).ends) == (1, 0, {"done": 1})
    assert told(label).duration.count == 1


async def test_a_run_that_waits_for_its_turn_is_counted_as_waiting(label):
    go_on, runs = asyncio.Event(), Runs()

    async def wait():
        await go_on.wait()

    calls = [
        asyncio.create_task(drive(label, wait, lambda run: runs.gate(run, 1))) for _ in range(3)
    ]
    await until(lambda: label in ui.stats().functions and told(label).waiting == 2)
    assert (told(label).running, told(label).started) == (1, 3)
    go_on.set()
    await asyncio.gather(*calls)
    assert (told(label).running, told(label).waiting, told(label).ends) == (0, 0, {"done": 3})


async def test_failures_are_counted_by_their_code(label):
    async def fail():
        raise ui.ModelError(code="overloaded")

    async def linger():
        await asyncio.Event().wait()

    await drive(label, fail)
    await drive(label, linger, time_limit=0.01)
    assert told(label).ends == {"error": 2}
    assert told(label).errors == {"overloaded": 1, "timeout": 1}


async def test_a_stopped_run_and_one_that_is_cut_off_are_told_apart(label):
    async def linger():
        StreamableValue("").append("a")
        await asyncio.Event().wait()

    run = Run(label, "page", label=label)
    stopped = asyncio.create_task(run.drive(linger, emit))
    await until(lambda: label in ui.stats().functions)
    run.stop()
    await stopped
    cut = asyncio.create_task(drive(label, linger))
    await until(lambda: told(label).running == 1)
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    assert told(label).ends == {"cancelled": 1, "interrupted": 1}
    streams = ui.stats().functions[label].streams
    assert streams.ends == {"cancelled": 1, "interrupted": 1}
    assert not any(each.function == label for each in ui.stats().open)


async def test_a_run_that_takes_the_process_with_it_ends_as_interrupted(label):
    async def leave():
        raise Leave

    class Leave(BaseException):
        pass

    with pytest.raises(Leave):
        await drive(label, leave)
    assert (told(label).ends, told(label).running) == ({"interrupted": 1}, 0)


async def test_the_streams_of_a_run_are_counted_under_its_function(label):
    async def ask():
        StreamableValue("").append("a")
        StreamableValue("").append("b").done()
        yield

    await drive(label, ask)
    streams = ui.stats().functions[label].streams
    assert (streams.started, streams.chunks, streams.ends) == (2, 2, {"done": 2})


async def test_the_sum_of_all_functions_is_the_whole(label):
    async def ask():
        StreamableValue("").append("a")

    await drive(label, ask)
    stats = ui.stats()
    functions = stats.functions.values()
    assert sum(each.runs.started for each in functions) == stats.runs.started
    assert sum(each.streams.chunks for each in functions) == stats.streams.chunks
    assert sum(each.streams.open for each in functions) == stats.streams.open


def test_what_listens_breaks_nothing_when_it_fails(monkeypatch, caplog):
    def fail(_):
        raise ValueError("no exporter")

    monkeypatch.setattr(metrics, "on_begin", [fail, lambda _: fail])
    before = len(metrics._open)
    with metrics.observed(Run("function", "page")):
        pass
    assert len(metrics._open) == before
    assert caplog.text.count("what listens to runs failed") == 2
