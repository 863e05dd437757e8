import asyncio

import pytest

from streamui.errors import ModelError, RunTimeoutError, StreamUIError
from streamui.server.run import Run
from streamui.server.runs import Runs, turn
from streamui.settings import settings
from streamui.streamable.scope import current_scope
from streamui.streamable.value import StreamableValue


class Calls:
    """Drives functions as a page's handler does, and keeps what they yielded."""

    def __init__(self):
        self.emitted = []
        self.runs = Runs()

    async def emit(self, item):
        self.emitted.append(item)

    def start(self, function, *, limit=None, **options):
        run = Run("State.ask", "page", **options)
        self.runs.add(run)

        async def drive():
            try:
                await run.drive(function, self.emit, self.runs.gate(run, limit))
            finally:
                self.runs.remove(run)

        return run, asyncio.create_task(drive())


@pytest.fixture
def calls():
    return Calls()


class Opened:
    """Stands where a provider's stream would be held open."""

    closed = False

    async def aclose(self):
        self.closed = True


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_what_a_function_leaves_open_is_done_when_it_returns(calls):
    made = []

    async def ask():
        made.append(StreamableValue("a"))
        yield
        made[0].append("b")

    run, task = calls.start(ask)
    await task
    assert (made[0].value, made[0].status) == ("ab", "done")
    assert run.status == "done"
    assert current_scope.get() is None
    assert len(calls.runs) == 0


async def test_a_coroutine_runs_too_and_what_it_returns_is_emitted(calls):
    made = []

    async def ask():
        made.append(StreamableValue("a"))
        return "event"

    await calls.start(ask)[1]
    assert calls.emitted == ["event"]
    assert made[0].status == "done"


async def test_what_is_yielded_is_emitted_in_order_and_none_is_not(calls):
    async def ask():
        yield "one"
        yield
        yield "two"

    await calls.start(ask)[1]
    assert calls.emitted == ["one", "two"]


async def test_what_raises_ends_its_streamables_with_one_reference_in_page_and_log(calls, caplog):
    made = []

    async def ask():
        made.extend([StreamableValue("a"), StreamableValue("b")])
        yield
        raise ValueError("the database is at secret-host")

    run, task = calls.start(ask)
    await task
    assert run.status == "error"
    assert [value.status for value in made] == ["error", "error"]
    first, second = (value.failure for value in made)
    assert first == second
    assert "secret-host" not in first.sentence
    (record,) = caplog.records
    assert first.reference in record.message
    assert "secret-host" in caplog.text


@pytest.mark.parametrize("level", ["WARNING", "DEBUG"])
async def test_a_providers_failure_is_one_line_and_a_traceback_for_those_who_debug(
    calls, caplog, level
):
    made = []

    async def ask():
        made.append(StreamableValue(""))
        yield
        raise ModelError("Error 429:\n  slow down, sk-abcdefghijkl", code="rate_limited")

    caplog.set_level(level, "streamui")
    await calls.start(ask)[1]
    (record,) = [record for record in caplog.records if record.name == "streamui"]
    assert record.levelname == "ERROR"
    assert made[0].failure.reference in record.message
    assert "sk-abc" not in record.message
    if level == "DEBUG":
        assert "Traceback" in record.message
    else:
        assert record.message.endswith("]: rate_limited: Error 429: slow down, ***")


async def test_what_raises_with_no_streamable_to_tell_raises_a_safe_sentence(calls, caplog):
    async def ask():
        yield
        raise ValueError("at secret-host")

    _, task = calls.start(ask)
    with pytest.raises(StreamUIError, match=r"Something went wrong.*\[[0-9a-f]{8}\]") as caught:
        await task
    assert "secret-host" not in str(caught.value)
    assert str(caught.value)[-9:-1] in caplog.text
    assert "secret-host" in caplog.text


@pytest.mark.parametrize("point", ["await", "yield"])
async def test_a_stop_takes_effect_where_the_function_is(calls, point):
    made, cleaned = [], []

    async def ask():
        made.append(StreamableValue("part"))
        try:
            while True:
                yield
                if point == "await":
                    await asyncio.Event().wait()
        except asyncio.CancelledError:
            made[0].append(" (stopped)")
            raise
        finally:
            cleaned.append(True)

    run, task = calls.start(ask)
    await until(lambda: made)
    run.stop()
    await task  # a stop is no cancellation of the task around it
    assert (made[0].value, made[0].status) == ("part (stopped)", "cancelled")
    assert run.status == "cancelled"
    assert cleaned == [True]


async def test_stopping_before_the_start_twice_and_too_late_is_harmless(calls):
    started = []

    async def ask():
        started.append(StreamableValue("a"))
        yield
        await asyncio.Event().wait()

    run, task = calls.start(ask)
    run.stop()
    run.stop()
    await asyncio.wait([task])
    run.stop()
    assert run.status == "cancelled"
    assert not started
    assert task.exception() is None


async def test_a_function_that_ignores_its_stop_does_not_keep_its_page_waiting(calls, monkeypatch):
    monkeypatch.setattr(settings, "stop_grace", 0.01)
    made, release = [], asyncio.Event()

    async def ask():
        made.append(StreamableValue("a"))
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    run, task = calls.start(ask)
    await until(lambda: made)
    run.stop()
    await until(lambda: made[0].closed)
    assert made[0].status == "cancelled"
    release.set()
    await task


async def test_a_cancellation_from_outside_is_an_interruption_and_goes_on(calls):
    made = []

    async def ask():
        made.append(StreamableValue("a"))
        await asyncio.Event().wait()

    run, task = calls.start(ask)
    await until(lambda: made)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert made[0].status == "interrupted"
    assert run.status == "interrupted"


async def test_being_superseded_is_being_cancelled(calls):
    made = []

    async def ask():
        made.append(StreamableValue("a"))
        await asyncio.Event().wait()

    _, task = calls.start(ask, latest_wins=True)
    await until(lambda: made)
    task.cancel()
    await asyncio.wait([task])
    assert made[0].status == "cancelled"


async def test_a_time_limit_is_a_typed_error(calls):
    made = []

    async def ask():
        made.append(StreamableValue("part"))
        await asyncio.Event().wait()

    await calls.start(ask, time_limit=0.01)[1]
    assert made[0].failure.code == "timeout"
    assert isinstance(made[0].log.cause, RunTimeoutError)
    assert made[0].value == "part"


async def test_a_timeout_of_the_users_own_is_an_ordinary_error(calls):
    made = []

    async def ask():
        made.append(StreamableValue("part"))
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()

    await calls.start(ask, time_limit=60)[1]
    assert made[0].failure.code == "internal"


async def test_what_holds_a_connection_is_closed_however_it_ends(calls):
    for ending in ("return", "raise", "stop"):
        opened, made = Opened(), []

        async def ask(ending=ending, opened=opened, made=made):
            made.append(StreamableValue("a"))
            scope = current_scope.get()
            assert scope is not None
            scope.adopt(opened)
            yield
            if ending == "raise":
                raise ValueError
            if ending == "stop":
                await asyncio.Event().wait()

        run, task = calls.start(ask)
        await until(lambda made=made: made)
        if ending == "stop":
            run.stop()
        await task
        assert opened.closed, ending


async def test_a_streamable_made_elsewhere_is_not_the_runs_to_close(calls):
    feed = StreamableValue("")

    async def ask():
        feed.append("x")
        yield

    await calls.start(ask)[1]
    await calls.start(ask)[1]
    assert (feed.value, feed.status) == ("xx", "streaming")
    feed.done()


@pytest.mark.parametrize("answer", ["returns", "raises", "goes on"])
async def test_a_stopped_function_ends_as_cancelled_whatever_it_makes_of_it(calls, answer):
    made = []

    async def ask():
        made.append(StreamableValue("a"))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if answer == "raises":
                raise ValueError("while cleaning up") from None
            if answer == "goes on":
                made[0].append("b")
                await asyncio.sleep(0)

    run, task = calls.start(ask)
    await until(lambda: made)
    run.stop()
    await task
    assert made[0].status == run.status == "cancelled"
    assert not task.cancelling()


async def test_a_second_cancellation_leaves_no_connection_open(calls):
    class Slow:
        closed = False

        async def aclose(self):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.closed = True

    opened = [Slow(), Slow(), Slow()]

    async def ask():
        scope = current_scope.get()
        assert scope is not None
        for each in opened:
            scope.adopt(each)
        await asyncio.Event().wait()

    _, task = calls.start(ask)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await until(lambda: all(each.closed for each in opened))


async def test_a_connection_that_hangs_while_closing_holds_nobody_up(calls, monkeypatch):
    monkeypatch.setattr(settings, "stop_grace", 0.01)

    class Stuck:
        async def aclose(self):
            await asyncio.Event().wait()

    other = Opened()

    async def ask():
        scope = current_scope.get()
        assert scope is not None
        scope.adopt(Stuck())
        scope.adopt(other)

    async with asyncio.timeout(5):
        await calls.start(ask)[1]
    assert other.closed


async def test_what_a_task_makes_after_its_run_has_ended_is_not_the_runs(calls):
    made, go_on = [], asyncio.Event()

    async def later():
        await go_on.wait()
        made.append(StreamableValue("late"))

    async def ask():
        made.append(asyncio.create_task(later()))

    await calls.start(ask)[1]
    go_on.set()
    await made[0]
    assert not made[1].owned
    made[1].done()


async def test_waiting_for_a_task_that_was_cancelled_is_an_error_of_the_function(calls):
    made = []

    async def ask():
        made.append(StreamableValue("a"))
        inner = asyncio.create_task(asyncio.Event().wait())
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner

    await calls.start(ask)[1]
    assert made[0].status == "error"


async def test_a_turn_inside_the_same_turn_is_refused(calls):
    made = []

    async def ask():
        made.append(StreamableValue("a"))
        async with turn(), turn():
            pass

    await calls.start(ask)[1]
    assert "would wait for itself" in str(made[0].log.cause)


async def test_a_source_left_to_follow_is_waited_for(calls):
    made = []

    async def source():
        for letter in "abc":
            await asyncio.sleep(0)
            yield letter

    async def ask():
        made.append(StreamableValue.from_source(source()))
        yield

    await calls.start(ask)[1]
    assert (made[0].value, made[0].status) == ("abc", "done")


async def test_a_source_left_to_follow_is_stopped_with_its_run(calls):
    made, closed = [], []

    async def source():
        try:
            while True:
                yield "x"
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    async def ask():
        made.append(StreamableValue.from_source(source()))
        yield

    run, task = calls.start(ask)
    await until(lambda: made and made[0].value)
    run.stop()
    await task
    await until(lambda: closed)
    assert made[0].status == "cancelled"


async def test_calls_over_the_limit_wait_for_their_turn_in_order(calls):
    order, release = [], asyncio.Event()

    def ask(name):
        async def body():
            order.append(name)
            await release.wait()

        return body

    started = [calls.start(ask(name), limit=2) for name in "abcd"]
    await until(lambda: len(order) == 2)
    assert order == ["a", "b"]
    assert [run.status for run, _ in started] == ["running", "running", "waiting", "waiting"]
    release.set()
    await asyncio.gather(*(task for _, task in started))
    assert order == ["a", "b", "c", "d"]


async def test_turns_come_in_order_and_what_was_shown_before_stays(calls):
    shown, order, release = [], [], asyncio.Event()

    def ask(name):
        async def body():
            shown.append(StreamableValue(f"{name} waits"))
            async with turn("conversation"):
                order.append(name)
                await release.wait()

        return body

    started = [calls.start(ask(name)) for name in "abc"]
    await until(lambda: len(shown) == 3 and started[2][0].status == "waiting")
    assert order == ["a"]
    assert [value.value for value in shown] == ["a waits", "b waits", "c waits"]
    release.set()
    await asyncio.gather(*(task for _, task in started))
    assert order == ["a", "b", "c"]


async def test_stop_takes_the_running_call_and_the_next_has_its_turn(calls):
    made, order = [], []

    def ask(name):
        async def body():
            made.append(StreamableValue(name))
            async with turn():
                order.append(name)
                await asyncio.Event().wait()

        return body

    tasks = [calls.start(ask(name))[1] for name in "ab"]
    await until(lambda: order == ["a"] and len(made) == 2)
    assert calls.runs.stop("page", "State.ask") == 1
    await until(lambda: order == ["a", "b"])
    assert [value.status for value in made] == ["cancelled", "streaming"]
    calls.runs.stop("page", "State.ask")
    await asyncio.gather(*tasks)
    assert calls.runs.stop("page", "State.ask") == 0


async def test_one_page_cannot_stop_the_run_of_another(calls):
    async def ask():
        await asyncio.Event().wait()

    run, task = calls.start(ask)
    await asyncio.sleep(0)
    assert calls.runs.stop("another page", "State.ask") == 0
    assert run.status == "running"
    calls.runs.stop("page", "State.ask")
    await task


async def test_turn_is_for_server_functions():
    with pytest.raises(RuntimeError, match="server_function"):
        async with turn():
            pass


async def test_a_thousand_runs_leave_nothing_behind(calls):
    before = len(asyncio.all_tasks())

    async def ask():
        StreamableValue("a")
        yield

    await asyncio.gather(*(calls.start(ask, limit=5)[1] for _ in range(1000)))
    assert len(asyncio.all_tasks()) == before
    assert len(calls.runs) == 0
    assert not calls.runs._gates
