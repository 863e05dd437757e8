"""What many streams leave behind when they are over: nothing."""

import asyncio
import gc
import os
import sys
import threading
import time
from typing import Any

import pytest
from reflex_base.utils.format import json_dumps

from streamui.page import connection, link, registration
from streamui.page.frames import Pages
from streamui.server.access import readable
from streamui.server.run import Run
from streamui.server.runs import Runs
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable import base, meter, quota
from streamui.streamable.quota import open_streams
from streamui.streamable.reader import read_streamable
from streamui.streamable.value import StreamableValue
from tests.page.sockets import Socket
from tests.page.test_frames import until

pytestmark = pytest.mark.slow


def timers() -> int:
    loop: Any = asyncio.get_running_loop()
    return sum(not each.cancelled() for each in loop._scheduled)


class Server:
    """The page side of one process: pages, runs, and what is counted of them."""

    def __init__(self, monkeypatch):
        self.socket, self.pages, self.runs = Socket(), Pages(), Runs()
        self.socket.on_frame = lambda *_: self.socket.frames.clear()
        self.token = ""
        self.now = time.monotonic()
        link.use_socket(self.socket)
        for module in (registration, connection):
            monkeypatch.setattr(module, "pages", self.pages)
        monkeypatch.setattr(link, "current_token", lambda: self.token)
        monkeypatch.setattr(quota, "page_finders", [lambda: self.token])
        monkeypatch.setattr(store, "_clock", lambda: self.now)

    def give(self, page: str, *values: StreamableValue[Any]) -> None:
        """Write handles into a page's state, as Reflex does."""
        self.token = page
        json_dumps(list(values))
        self.token = ""

    async def run(self, page: str, function: Any) -> None:
        """Drive a server function, as its handler does."""
        run = Run("State.ask", page)
        self.runs.add(run)
        try:
            await run.drive(function, lambda _: asyncio.sleep(0), self.runs.gate(run, 1))
        finally:
            self.runs.remove(run)

    def leave(self, page: str) -> None:
        self.socket.disconnect(page)

    def later(self) -> None:
        """Let the time pass for which an ended stream is kept."""
        self.now += settings.retain + 1
        StreamableValue("").done()  # what is dropped is told by the next one that is made,
        store.find("")  # and what has expired is forgotten when the store is used next

    def held(self) -> dict[str, int]:
        """Everything that one stream more would be counted in."""
        gc.collect()
        for page in list(self.pages._pages):
            self.pages.of(page)  # a page that has left is forgotten when it is looked at
        return {
            "tasks": len(asyncio.all_tasks()),
            "timers": timers(),
            "threads": threading.active_count(),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "streams in the store": len(store),
            "readers in the store": len(store._readers),
            "ends in the store": len(store._ends),
            "live": len(base._live),
            "open": len(open_streams),
            "pages with open streams": len(open_streams._owners),
            "metered": len(meter._open),
            "untold ends": len(meter._untold),
            "runs": len(self.runs),
            "gates": len(self.runs._gates),
            "pages": len(self.pages),
            "waiting pages": len(self.pages._waiting),
        }


@pytest.fixture
async def server(monkeypatch, caplog):
    caplog.set_level("CRITICAL", "streamui")  # pytest would keep what is logged
    server = Server(monkeypatch)
    server.later()
    yield server
    link.use_socket(None)


async def quiet(server: Server) -> None:
    await until(lambda: server.pages._task is None)


# -- fault 24 ---------------------------------------------------------------------------------


async def abandon(server: Server, number: int, how: str) -> None:
    """Streams that nobody writes to, ends or reads any more."""
    kept = []
    for index in range(number):
        page = f"page {index}"
        server.socket.connect(page, sid=page)
        server.token = page
        value: StreamableValue[Any] = StreamableValue("x" * 100)
        server.give(page, value)
        value.append("y" * 1000)
        if how == "still held":
            kept.append(value)
    await quiet(server)
    for index in range(number):
        server.leave(f"page {index}")
    if how == "still held":
        # A state somewhere has them, and no function will ever end them.
        await until(lambda: all(value.closed for value in kept))
        assert {value.error_code for value in kept} == {"timeout"}


@pytest.mark.parametrize("how", ["dropped", "still held"])
async def test_fault_24_a_thousand_abandoned_streams_leave_nothing(how, server, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    if how == "still held":
        monkeypatch.setattr(settings, "idle_limit", 0.3)
    await abandon(server, 1000, how)  # whatever is made once, the test's own socket too
    server.later()
    before = server.held()
    blocks = sys.getallocatedblocks()
    await abandon(server, 1000, how)
    assert len(store) >= 1000  # before their time is over they can all be read
    server.later()
    assert server.held() == before
    assert sys.getallocatedblocks() - blocks < 100


async def test_fault_24_readers_that_stop_reading_leave_nothing(server):
    values = [StreamableValue("x") for _ in range(1000)]
    before = server.held()
    readers = []
    for value in values:
        readers.append(read_streamable(value))
        assert await anext(readers[-1]) == "x"
    assert sum(len(value.log._listeners) for value in values) == 1000
    await asyncio.gather(*(iterator.aclose() for iterator in readers[:500]))
    readers.clear()  # the others are just forgotten
    gc.collect()
    await asyncio.sleep(0)
    await until(lambda: not any(value.log._listeners for value in values))
    assert server.held() == before
    for value in values:
        value.done()


# -- fault 25 ---------------------------------------------------------------------------------


async def be_short(server: Server, number: int) -> None:
    """Streams that begin, say something and end, each in a run and on a page."""

    async def one(page: str) -> None:
        async def ask():
            value: StreamableValue[str] = StreamableValue("")
            server.give(page, value)
            for word in ("a ", "few ", "words"):
                value.append(word)
                yield

        await server.run(page, ask)

    for begin in range(0, number, 100):
        pages = [f"page {index % 20}" for index in range(begin, begin + 100)]
        await asyncio.gather(*map(one, pages))
        StreamableValue("").append("of no run").done()
    await quiet(server)


async def test_fault_25_ten_thousand_short_streams_leave_nothing(server, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    for index in range(20):
        server.socket.connect(f"page {index}", sid=f"page {index}")
    await be_short(server, 200)
    server.later()
    before = server.held()
    blocks = sys.getallocatedblocks()
    await be_short(server, 10_000)
    server.later()
    assert server.held() == before
    # Each page remembers the ids that it holds, at most so many; that is all.
    known = sum(len(page.held) for page in server.pages._pages.values())
    assert sys.getallocatedblocks() - blocks - known < 500


async def test_fault_25_what_runs_are_refused_at_leaves_nothing_either(server, monkeypatch):
    monkeypatch.setattr(settings, "streams_per_page", 5)
    before = server.held()

    async def ask():
        for _ in range(6):
            StreamableValue("x")
            yield

    for _ in range(500):
        await server.run("page", ask)
    assert server.held() == before


# -- fault 26 ---------------------------------------------------------------------------------


class Reader:
    """What one page has, and how it heard it end."""

    def __init__(self):
        self.text, self.offset, self.end = "", 0, ""

    def receive(self, frame: dict[str, Any]) -> None:
        for each in frame.values():
            op: dict[str, Any] = {"a": each} if isinstance(each, str) else each
            if "v" in op:
                self.text, self.offset = op["v"], op["o"]
            if "a" in op:
                assert op.get("f", self.offset) == self.offset
                self.text += op["a"]
                self.offset += len(op["a"])
            self.end = op.get("s", self.end)


async def test_fault_26_a_thousand_reconnects_in_five_seconds_all_resume(server, monkeypatch):
    """Each page has its stream, and the producer of each is asked once."""
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    pages = [f"page {number}" for number in range(100)]
    readers = {page: Reader() for page in pages}
    values: dict[str, StreamableValue[str]] = {}
    asked, go_on = [], asyncio.Event()

    server.socket.on_frame = lambda sid, frame: readers[sid.partition("#")[0]].receive(frame)

    async def produce(page: str) -> None:
        async def ask():
            asked.append(page)
            value = values[page] = StreamableValue("")
            server.give(page, value)
            for turn in range(4):
                value.append(f"{page} says {turn}. ")
                await asyncio.sleep(0)
            await go_on.wait()
            value.append("The end.")
            yield

        await server.run(page, ask)

    async def reconnect(page: str, turn: int) -> None:
        server.socket.connect(page, sid=f"{page}#{turn}")
        values[page].append(f"({turn})")
        name = values[page].id
        log = await readable(name, page)
        server.pages.hello(page, {name: readers[page].offset}, {name: log}, [])

    for page in pages:
        server.socket.connect(page, sid=page)
    runs = [asyncio.create_task(produce(page)) for page in pages]
    await until(lambda: all(reader.text.endswith("3. ") for reader in readers.values()))

    begun = time.monotonic()
    for turn in range(10):
        for page in pages:
            server.leave(page)
        for page in pages:
            await reconnect(page, turn)
        await asyncio.sleep(0)
    assert time.monotonic() - begun < 5
    go_on.set()
    await asyncio.gather(*runs)
    await until(lambda: all(reader.end for reader in readers.values()))
    assert sorted(asked) == sorted(pages)  # no new call to anybody
    for page, reader in readers.items():
        assert (reader.text, reader.end) == (values[page].value, "done")
        assert reader.text.startswith(f"{page} says 0. ")
        assert reader.text.endswith("(9)The end.")
        assert not values[page].log._listeners
