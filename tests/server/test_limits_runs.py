"""How many server functions may be under way, and what one too many tells its page."""

import asyncio
from types import SimpleNamespace

import pytest
import reflex as rx

import streamui as ui
from streamui.page import link
from streamui.server.limits import open_runs
from streamui.server.runs import runs
from streamui.settings import settings
from streamui.streamable import quota
from streamui.streamable.quota import open_streams


class Limited(rx.State):
    @ui.server_function
    async def ask(self, made: list, go_on: asyncio.Event):
        made.append(ui.StreamableValue(""))
        await go_on.wait()

    @ui.server_function(concurrency=1)
    async def take_turns(self, made: list, go_on: asyncio.Event):
        made.append(ui.StreamableValue(""))
        await go_on.wait()


class Proxy:
    """Stands where Reflex has the proxy of a background handler's state."""

    __wrapped__ = SimpleNamespace()

    def get_full_name(self):
        return Limited.get_full_name()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


class Caller:
    """Calls server functions for any page, and keeps what is emitted to it."""

    def __init__(self, monkeypatch):
        self.page = "page"
        self.emitted = []
        self.made, self.go_on = [], asyncio.Event()
        monkeypatch.setattr(link, "current_token", lambda: self.page)
        monkeypatch.setattr(link, "emit_events", self._emit)
        monkeypatch.setattr(quota, "page_finders", [lambda: self.page])

    async def _emit(self, _, events, __):
        self.emitted.append((self.page, str(events)))

    async def call(self, name="ask", page="page"):
        self.page = page
        handler = Limited.event_handlers[name].fn
        task = asyncio.create_task(handler(Proxy(), self.made, self.go_on))
        for _ in range(5):
            await asyncio.sleep(0)
        return task


@pytest.fixture
async def caller(monkeypatch):
    caller = Caller(monkeypatch)
    yield caller
    caller.go_on.set()
    async with asyncio.timeout(5):
        while len(open_runs):
            await asyncio.sleep(0)
    assert len(runs) == 0
    assert not open_runs._owners


async def test_one_run_too_many_tells_its_page_the_sentence_and_begins_nothing(
    caller, monkeypatch, caplog
):
    monkeypatch.setattr(settings, "runs_per_page", 3)
    tasks = [await caller.call() for _ in range(5)]
    assert [task.done() for task in tasks] == [False, False, False, True, True]
    assert len(caller.made) == len(runs) == 3
    ((page, toast), _) = caller.emitted
    assert page == "page"
    assert "That is more than this server allows at once." in toast
    assert "runs_per_page is 3" in caplog.text
    await caller.call(page="another")
    assert len(caller.made) == 4
    caller.go_on.set()
    await asyncio.gather(*tasks)
    await caller.call()
    assert len(caller.made) == 5


async def test_runs_that_wait_for_their_turn_count_and_all_pages_have_a_limit(caller, monkeypatch):
    monkeypatch.setattr(settings, "runs_open", 4)
    for number in range(6):
        await caller.call("take_turns", page=f"page {number % 2}")
    assert len(runs) == 4
    assert len(caller.made) == 2
    assert len(caller.emitted) == 2


async def test_zero_is_no_limit(caller, monkeypatch):
    monkeypatch.setattr(settings, "runs_per_page", 0)
    monkeypatch.setattr(settings, "runs_open", 0)
    for _ in range(150):
        await caller.call()
    assert len(caller.made) == 150


async def test_fault_28_one_page_calls_a_thousand_times_and_another_is_served(caller):
    tasks = [await caller.call() for _ in range(1000)]
    assert sum(task.done() for task in tasks) == 1000 - settings.runs_per_page
    assert {page for page, _ in caller.emitted} == {"page"}
    task = await caller.call(page="another")
    assert not task.done()
    assert open_runs.of("another") == open_streams.of("another") == 1
    caller.go_on.set()
    await asyncio.gather(*tasks, task)


async def test_fault_28_one_page_opens_a_thousand_streams_and_another_is_served(caller):
    opened = []
    with pytest.raises(ui.StreamUIError):
        for _ in range(1000):
            opened.append(ui.StreamableValue(""))
    assert len(opened) == settings.streams_per_page
    task = await caller.call(page="another")
    caller.go_on.set()
    await task
    assert caller.made[0].status == "done"
    for value in opened:
        value.done()
    assert open_streams.of("page") == open_streams.of("another") == 0
