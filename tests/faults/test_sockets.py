"""Random faults on real sockets: the same bytes and one end for every reader, whatever happens.

Each seed is one stream with three readers: the page that asked, a second page that was given the
stream, and a client of its event stream. All go through proxies to real servers, and the pages
are the real page store in Node. ``STREAMUI_SCHEDULES`` says how many seeds are played.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

import streamui as ui
from streamui.errors import StreamNotFoundError
from streamui.testing.app_server import AppServer
from tests.faults.plan import READERS, Step, steps, text
from tests.http.serving import rebuilt
from tests.js.tabs import Tabs
from tests.proxy import Proxy
from tests.store.redis_server import redis_server

SCHEDULES = int(os.environ.get("STREAMUI_SCHEDULES", "100"))
AT_ONCE = 10
STAGE = "reflex___state____state.tests___faults___socket_app____stage"
RXCONFIG = """\
import reflex as rx

config = rx.Config(
    app_name="app",
    app_module_import="tests.faults.socket_app",
    telemetry_enabled=False,
    plugins=[rx.plugins.RadixThemesPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
"""
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def backend(folder: Path, **env: str) -> AppServer:
    folder.mkdir()
    (folder / "rxconfig.py").write_text(RXCONFIG)
    env = {
        "PYTHONPATH": str(ROOT),
        "GRANIAN_WORKERS": "1",  # which process has what is up to the test
        "STREAMUI_CLIENT_RETRY": "0.02",
        **env,
    }
    return AppServer(folder, options=["--backend-only"], env=env)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One process that has its streams in memory."""
    with backend(tmp_path_factory.mktemp("alone") / "app") as server:
        yield server


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[AppServer]]:
    """Two processes that share a Redis."""
    folder = tmp_path_factory.mktemp("two")
    with redis_server() as redis:
        servers = [
            backend(folder / name, REFLEX_REDIS_URL=redis.url, STREAMUI_LEASE="3") for name in "ab"
        ]
        with servers[0], servers[1]:
            yield servers


@pytest.fixture(autouse=True)
def quick_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.settings, "reconnect_delay", 0.02)
    monkeypatch.setattr(ui.settings, "reconnect_attempts", 200)


class Schedule:
    """One stream, its readers, and what happens to them."""

    def __init__(self, seed: int, tabs: Tabs, targets: Callable[[], list[int]]) -> None:
        self.seed, self.tabs = seed, tabs
        self.owner, self.second = f"{seed} owner", f"{seed} second"
        self.proxies = {reader: Proxy(targets) for reader in READERS}
        self.name = self.token = ""
        self.records: list[dict[str, Any]] = []
        self.codes: dict[str, str] = {}

    async def play(self) -> dict[str, tuple[Any, str]]:
        """Return the value and the end that each reader has at last."""
        async with AsyncExitStack() as stack:
            for proxy in self.proxies.values():
                await stack.enter_async_context(proxy)
            for reader, tab in (("owner", self.owner), ("second", self.second)):
                url = self.proxies[reader].url
                await self.tabs(tab, "open", {"url": url, "token": f"token-{tab}"})
            await self.until(self.connected)
            while not self.name:  # what was asked of a worker that dies has to be asked again
                await self.tabs(self.owner, "event", [f"{STAGE}.run", {"seed": self.seed}])
                with suppress(TimeoutError):
                    await self.until(self.begun, 10)
            await self.tabs(self.second, "event", [f"{STAGE}.watch", {"name": self.name}])
            reading = asyncio.create_task(self.read_events())
            try:
                for step in steps(self.seed):
                    await asyncio.sleep(step.after)
                    await self.happen(step)
                for proxy in self.proxies.values():
                    proxy.thaw()
                await self.until(self.ended)
                try:
                    await asyncio.wait_for(reading, 30)
                except StreamNotFoundError:
                    # The worker died before the stream was written anywhere: so all are told.
                    assert self.codes == {"owner": "lost", "second": "lost"}
                    return {}
            finally:
                reading.cancel()
            ends = {**await self.shown(), "events": self.heard()}
            for tab in (self.owner, self.second):
                await self.tabs(tab, "close")
            return ends

    async def happen(self, step: Step) -> None:
        match step.what.split():
            case ["cut", *_, reader]:
                for proxy in self.proxies.values() if reader == "all" else [self.proxies[reader]]:
                    proxy.cut()
            case ["reload", "the", reader]:
                await self.tabs(f"{self.seed} {reader}", "reload")
            case ["leave", *_]:
                await self.tabs(self.second, "leave")
                await self.tabs(self.second, "reload")
            case ["slow"]:
                await self.tabs(self.second, "slow", 5)
            case ["freeze"]:
                self.proxies["second"].freeze()
            case ["the", "owner", "stops", *twice]:
                for _ in ("once", *twice):
                    await self.tabs(self.owner, "event", [f"{STAGE}.stop", {}])
            case ["a", "link", "stops"]:
                await self.stop_over_http()
            case _:
                raise AssertionError(step.what)

    async def stop_over_http(self) -> None:
        headers = {"Reflex-Client-Token": self.token}
        async with httpx.AsyncClient(headers=headers) as client:
            for _ in range(50):  # a worker may be killed, or a connection cut, in the middle of it
                try:
                    url = f"{self.proxies['events'].url}/streams/{self.name}"
                    assert (await client.delete(url)).status_code in (204, 404)
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.02)

    async def read_events(self) -> None:
        stream = ui.consume_event_stream(
            f"{self.proxies['events'].url}/streams/{self.name}",
            headers={"Reflex-Client-Token": self.token},
        )
        async with stream:
            async for event in stream:
                self.records.append(event.json())

    def heard(self) -> tuple[Any, str]:
        ends = [record["status"] for record in self.records if "status" in record]
        assert len(ends) == 1, ends
        return rebuilt(self.records), ends[0]

    # -- conditions ---------------------------------------------------------------------

    async def connected(self) -> bool:
        return all([await self.tabs(tab, "connected") for tab in (self.owner, self.second)])

    async def begun(self) -> bool:
        # Reflex gives a page that comes back too soon another one, with a fresh state.
        token = await self.tabs(self.owner, "token")
        for shown in await self.tabs(self.owner, "read"):
            if shown["id"]:
                self.name, self.token = shown["id"], token
        return bool(self.name)

    async def ended(self) -> bool:
        shown = await self.shown()
        for tab, reader in ((self.owner, "owner"), (self.second, "second")):
            # A reconnect may get a new token and a fresh state, which has no stream.
            if reader not in shown and await self.tabs(tab, "connected"):
                await self.tabs(tab, "event", [f"{STAGE}.watch", {"name": self.name}])
                await asyncio.sleep(0.2)
        return len(shown) == 2 and all(status != "streaming" for _, status in shown.values())

    async def shown(self) -> dict[str, tuple[Any, str]]:
        found = {}
        for tab, reader in ((self.owner, "owner"), (self.second, "second")):
            for shown in await self.tabs(tab, "read"):
                if shown["id"] == self.name:
                    found[reader] = (shown["value"], shown["status"])
                    self.codes[reader] = shown["code"]
        return found

    async def state(self) -> str:
        """What is to be known when it went wrong."""
        tabs = {
            tab: [await self.tabs(tab, what) for what in ("connected", "socket", "token", "read")]
            for tab in (self.owner, self.second)
        }
        return f"{tabs} {self.records[-2:]}"

    async def until(self, true: Callable[[], Any], seconds: float = 90) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not await true():
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            error.add_note(await self.state())
            raise


async def play_all(
    seeds: range, targets: Callable[[int], Callable[[], list[int]]]
) -> dict[int, Any]:
    """Play schedules, some at a time; return what the readers of each have at last."""
    ends: dict[int, Any] = {}
    waiting = list(reversed(seeds))

    async with Tabs() as tabs:

        async def worker() -> None:
            while waiting:
                seed = waiting.pop()
                schedule = Schedule(seed, tabs, targets(seed))
                try:
                    ends[seed] = await schedule.play()
                except Exception as error:
                    error.add_note(f"seed {seed}, {schedule.name}: {steps(seed)}")
                    raise

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker())
    return ends


def check(seed: int, readers: dict[str, tuple[Any, str]], allowed: set[str]) -> None:
    """All have the same, and it is what was written."""
    if not readers and "interrupted" in allowed:
        return
    assert len(set(readers.values())) == 1, f"seed {seed}: {readers}"
    value, status = readers["owner"]
    whole = text(seed)
    if status == "done":
        assert value == whole, f"seed {seed}"
    else:
        assert whole.startswith(value), f"seed {seed}"
        stopped = any("stops" in step.what for step in steps(seed))
        assert status in allowed | ({"cancelled"} if stopped else set()), f"seed {seed}: {status}"


def said(ends: dict[int, Any]) -> set[str]:
    """The kinds of ends, told for whoever runs many."""
    kinds = Counter(readers["owner"][1] if readers else "lost" for readers in ends.values())
    print(dict(kinds))
    return set(kinds)


@pytest.mark.timeout(3600)
async def test_fault_02_random_drops_stops_and_reloads_lose_nothing(alone: AppServer) -> None:
    ends = await play_all(range(SCHEDULES // 2), lambda _: lambda: [alone.port])
    for seed, readers in ends.items():
        check(seed, readers, {"done"})
    assert len(ends) == SCHEDULES // 2
    assert {"done", "cancelled"} == said(ends)


@pytest.mark.timeout(3600)
async def test_fault_07_restarts_of_a_worker_lose_nothing_that_was_written(
    two: list[AppServer],
) -> None:
    down: set[int] = set()

    def targets(seed: int) -> Callable[[], list[int]]:
        chance = random.Random(f"targets {seed}")
        return lambda: sorted(
            (server.port for server in two if server.port not in down),
            key=lambda _: chance.random(),
        )

    async def restart(begin: int) -> None:
        chance = random.Random(f"restart {begin}")
        await asyncio.sleep(chance.uniform(0.5, 2.5))
        server = chance.choice(two)
        down.add(server.port)
        await asyncio.to_thread(server.stop, by=chance.choice((signal.SIGKILL, signal.SIGTERM)))
        await asyncio.to_thread(server.start)
        down.discard(server.port)

    ends: dict[int, Any] = {}
    for begin in range(10_000, 10_000 + SCHEDULES // 2, 25):
        restarting = asyncio.create_task(restart(begin))
        ends |= await play_all(range(begin, begin + 25), targets)
        await restarting
    for seed, readers in ends.items():
        check(seed, readers, {"done", "interrupted"})
    assert said(ends) >= {"done", "cancelled"}
