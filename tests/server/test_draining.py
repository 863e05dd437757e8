"""The end of a process, without one: what is refused, waited for, broken off and told."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from streamui.errors import RestartingError
from streamui.server.draining import Draining
from streamui.server.run import Run
from streamui.server.runs import runs
from streamui.settings import settings
from streamui.streamable.value import StreamableValue
from tests.store.conftest import until


@pytest.fixture
async def draining(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Draining]:
    monkeypatch.setattr(settings, "drain", 5.0)
    yield Draining()
    assert len(runs) == 0


class Call:
    """A run of a function that waits to be let go; a deaf one does so when it is stopped, too."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.deaf = deaf
        self.go, self.values = asyncio.Event(), list[StreamableValue[str]]()
        self.run = Run("State.ask", "page")
        runs.add(self.run)
        self.task = asyncio.create_task(self._drive())

    async def _drive(self) -> None:
        try:
            await self.run.drive(self._ask, self._emit)
        finally:
            runs.remove(self.run)

    async def _ask(self) -> None:
        self.values.append(StreamableValue("so far"))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            if not self.deaf:
                raise
            await self.go.wait()

    async def _emit(self, item: object) -> None: ...

    @property
    def value(self) -> StreamableValue[str]:
        return self.values[0]


async def begin(*, deaf: bool = False) -> Call:
    call = Call(deaf=deaf)
    await until(lambda: call.values)
    return call


async def test_nothing_new_begins_once_it_has_begun(draining: Draining) -> None:
    draining.check()
    await draining.drain()
    with pytest.raises(RestartingError) as refusal:
        draining.check()
    assert refusal.value.sentence == "The server is restarting. Try again in a moment."
    draining.reset()
    draining.check()


async def test_what_runs_has_time_to_end_by_itself(draining: Draining) -> None:
    call = await begin()
    work = asyncio.create_task(draining.drain())
    await until(lambda: draining.begun)
    assert call.value.streaming and not work.done()
    call.go.set()
    await asyncio.wait_for(work, 2)
    assert (call.value.status, call.run.status) == ("done", "done")


async def test_what_has_had_its_time_ends_as_interrupted(
    draining: Draining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "drain", 0.05)
    call = await begin()
    await asyncio.wait_for(draining.drain(), 2)
    assert (call.value.status, call.run.status) == ("interrupted", "interrupted")
    assert call.value.value == "so far"


async def test_what_comes_last_comes_after_the_runs_and_before_what_is_closed(
    draining: Draining,
) -> None:
    order: list[str] = []
    call = await begin()

    async def fail() -> None:
        raise OSError("the page is gone")

    async def show() -> None:
        order.append(f"shown {call.value.status}")

    draining.last += [fail, show]
    draining.closing.append(lambda: order.append("closed"))
    asyncio.get_running_loop().call_soon(call.go.set)
    await draining.drain()
    await draining.drain()  # once is enough
    assert order == ["shown done", "closed"]


async def test_a_signal_is_delivered_when_all_is_drained(draining: Draining) -> None:
    delivered: list[int] = []
    call = await begin()
    draining.hear(signal.SIGTERM, lambda: delivered.append(1))
    await until(lambda: draining.begun)
    draining.hear(signal.SIGTERM, lambda: delivered.append(2))
    assert not delivered
    call.go.set()
    await until(lambda: delivered)
    assert delivered == [1]
    draining.hear(signal.SIGTERM, lambda: delivered.append(3))
    assert delivered == [1, 3]  # it is the server's again


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
async def test_the_second_ctrl_c_does_not_wait(draining: Draining, first: signal.Signals) -> None:
    call = await begin()
    delivered: list[int] = []
    for number in (first, signal.SIGINT, signal.SIGINT):
        assert call.value.streaming
        draining.hear(number, lambda: delivered.append(1))
        await until(lambda: draining.begun)
    await until(lambda: delivered, 2)
    assert call.value.status == "interrupted"


async def test_one_ctrl_c_that_comes_by_two_signals_is_one(draining: Draining) -> None:
    call = await begin()
    for number in (signal.SIGTERM, signal.SIGINT):
        draining.hear(number, lambda: None)
        await until(lambda: draining.begun)
    await asyncio.sleep(0)
    assert not draining.hurried and call.value.streaming
    call.go.set()
    await draining.drain()
    assert call.value.status == "done"


async def test_a_function_that_does_not_give_up_is_not_waited_for_for_ever(
    draining: Draining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "drain", 0.01)
    monkeypatch.setattr(settings, "stop_grace", 0.05)
    call = await begin(deaf=True)
    await asyncio.wait_for(draining.drain(), 2)
    assert call.value.status == "interrupted"
    assert not call.task.done()
    call.go.set()
    await call.task
