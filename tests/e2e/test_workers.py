"""Several workers behind nginx share one Redis: each serves any page and any reader."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from streamui.testing import AppServer
from tests.e2e.desk_page import DeskPage, until
from tests.servers.fleet import Fleet, Pages, Several
from tests.servers.readers import Reading, read

QUESTION = "Write 150 words about rivers at 60 words per second"
LONG = "Write 2000 words about rivers at 40 words per second"
LEASE = 15  # seconds until everybody knows that a worker is dead


@pytest.fixture(scope="module")
def fleet(desk_pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with Fleet(desk_pages, folder, AppServer, AppServer, Several) as fleet:
        yield fleet


@pytest.fixture
def first(context: BrowserContext, fleet: Fleet) -> DeskPage:
    """A page of the first worker."""
    return DeskPage(context.new_page(), fleet.url(0)).open()


@pytest.fixture
def second(chromium: Browser, fleet: Fleet) -> Iterator[DeskPage]:
    """A page of the second worker, in another browser."""
    with chromium.new_context() as context:
        yield DeskPage(context.new_page(), fleet.url(1)).open()


def test_fault_04_05_all_pages_and_readers_of_all_workers_have_the_one_answer(
    fleet: Fleet, context: BrowserContext, first: DeskPage, second: DeskPage
) -> None:
    before = fleet.provider.stats().requests
    name = first.ask(QUESTION)
    second.share(name)
    tab = DeskPage(context.new_page(), fleet.url(0)).share(name)
    with ThreadPoolExecutor() as threads:
        readers: list[Future[Reading]] = [
            threads.submit(read, worker.port, first.path) for worker in fleet.workers
        ]
        whole = first.wait_for_end()
        assert second.wait_for_end() == tab.wait_for_end() == whole
        assert [reader.result() for reader in readers] == [Reading(whole, ["done"])] * 3
    assert len(whole.split()) == 150
    assert fleet.provider.stats().requests == before + 1
    assert first.look()[0] == tab.look()[0] != second.look()[0]


def test_fault_37_a_page_at_another_worker_stops_a_stream_up_to_the_provider(
    fleet: Fleet, first: DeskPage, second: DeskPage
) -> None:
    before = fleet.provider.stats().disconnected_by_client
    second.share(first.ask(LONG))
    second.wait_for_text(40)
    second.press("Stop the stream")
    part = second.wait_for_end("cancelled")
    assert first.wait_for_end("cancelled") == part
    until(lambda: not fleet.provider.stats().open)
    assert fleet.provider.stats().disconnected_by_client == before + 1


def test_fault_37_a_page_that_has_moved_to_another_worker_stops_its_call(
    fleet: Fleet, context: BrowserContext
) -> None:
    desk = DeskPage(context.new_page(), fleet.url()).open()
    desk.ask(LONG)
    move(desk)
    desk.press("Stop the call")
    part = desk.wait_for_end("cancelled")
    # What the function hands out at its end, in the worker that the page has left.
    expect(desk.page.locator("#summary")).to_have_text(f"{len(part)} characters")
    until(lambda: not fleet.provider.stats().open)
    until(lambda: desk.look()[1] == f"cancelled: {part}")


def move(desk: DeskPage) -> None:
    """Reload a page until another process has it: nginx takes the workers in turn."""
    before, _ = desk.look()
    while desk.look()[0] == before:
        desk.page.reload()
        desk.wait_until_ready()


def test_a_reload_at_another_worker_has_the_live_value_there(
    fleet: Fleet, context: BrowserContext
) -> None:
    desk = DeskPage(context.new_page(), fleet.url()).open()
    token = desk.token
    desk.ask(LONG)
    desk.press("Click")
    move(desk)
    assert desk.token == token
    shown = desk.wait_for_text(200)
    _, live = desk.look()
    status, _, value = live.partition(": ")
    assert status == "streaming"
    assert len(value) >= len(shown) and value.startswith(shown)
    for count in range(2, 6):  # events here and the run there take turns with the state
        desk.press("Click")
        expect(desk.page.locator("#clicks")).to_have_text(str(count))
    desk.press("Stop the stream")
    whole = desk.wait_for_end("cancelled")
    until(lambda: desk.look()[1] == f"cancelled: {whole}")
    desk.page.reload()
    desk.wait_until_ready()
    assert desk.wait_for_end("cancelled") == whole
    expect(desk.page.locator("#clicks")).to_have_text("5")


def test_processes_that_share_a_port_are_workers_like_any_others(
    fleet: Fleet, context: BrowserContext, second: DeskPage
) -> None:
    pages: dict[int, DeskPage] = {}
    while len(pages) < 2:  # the kernel gives each connection to one of them
        desk = DeskPage(context.new_page(), fleet.url(2)).open()
        pages.setdefault(desk.look()[0], desk)
    one, other = pages.values()
    name = one.ask(LONG)
    other.share(name).wait_for_text(40)
    second.share(name).wait_for_text(40)
    other.press("Stop the stream")
    part = one.wait_for_end("cancelled")
    assert other.wait_for_end("cancelled") == second.wait_for_end("cancelled") == part
    until(lambda: not fleet.provider.stats().open)


@pytest.mark.complaints("WebSocket")
def test_fault_06_a_page_whose_network_was_gone_keeps_its_state(
    fleet: Fleet, context: BrowserContext
) -> None:
    desk = DeskPage(context.new_page(), fleet.url()).open()
    token = desk.token
    desk.press("Click")
    desk.ask("Write 250 words about rivers at 40 words per second")
    workers: set[int] = set()
    for count in range(2, 5):  # back at another worker, and at the same
        workers.add(desk.look()[0])
        fleet.network.lose()
        desk.press("Click")  # said as soon as there is a connection again
        expect(desk.page.locator("#clicks")).to_have_text(str(count), timeout=20_000)
    assert desk.token == token
    assert len(workers) > 1
    assert len(desk.wait_for_end().split()) == 250


def test_a_tab_that_was_duplicated_is_a_page_of_its_own(
    fleet: Fleet, context: BrowserContext
) -> None:
    desk = DeskPage(context.new_page(), fleet.url()).open()
    desk.press("Click")
    expect(desk.page.locator("#clicks")).to_have_text("1")
    for _ in fleet.workers:
        with context.expect_page() as opened:  # it has a copy of the session's storage
            desk.page.evaluate("void window.open(location.href)")
        copy = DeskPage(opened.value, fleet.url()).wait_until_ready()
        until(lambda copy=copy: copy.token != desk.token)
        expect(copy.page.locator("#clicks")).to_have_text("0")
    desk.press("Click")
    expect(desk.page.locator("#clicks")).to_have_text("2")


@pytest.mark.complaints("WebSocket")
def test_fault_15_a_worker_that_ends_sends_its_pages_and_readers_to_another(
    fleet: Fleet, first: DeskPage, second: DeskPage
) -> None:
    second.share(first.ask("Write 300 words about rivers at 40 words per second"))
    second.wait_for_text(40)
    ending, staying = fleet.workers[1], fleet.workers[0]
    with ThreadPoolExecutor() as threads:
        part = Reading()
        reader = threads.submit(part.go_on, ending.port, first.path)
        until(lambda: part.text)
        assert ending.process is not None
        ending.process.terminate()
        reader.result()
        assert ending.process.wait(10) == 0
        assert part.ends == []
        assert first.answer.get_attribute("data-status") == "streaming"
        whole = first.wait_for_end()
        assert second.wait_for_end() == whole
        assert 0 < len(part.text) < len(whole)
        assert part.go_on(staying.port, first.path) == Reading(whole, ["done"])
    ending.stop()
    fleet.start()


@pytest.mark.complaints("WebSocket")
def test_fault_13_a_worker_is_killed(fleet: Fleet, first: DeskPage, second: DeskPage) -> None:
    token = first.token
    first.ask("Write 5 words")
    earlier = first.wait_for_end()
    second.share(first.ask(LONG))
    shown = second.wait_for_text(200)
    process, _ = first.look()
    os.kill(process, signal.SIGKILL)
    part = second.wait_for_end("interrupted", LEASE)
    assert first.wait_for_end("interrupted", LEASE) == part
    assert part.startswith(shown)
    assert first.look()[0] != process
    assert first.token == token
    expect(first.page.locator("#earlier")).to_contain_text(earlier)
    expect(first.status).to_have_text("The answer was interrupted.")
    assert read(fleet.workers[1].port, first.path) == Reading(part, ["interrupted"])
    first.ask("Write 5 words")
    first.wait_for_end()


@pytest.mark.complaints("WebSocket")
def test_fault_07_all_workers_are_restarted(
    fleet: Fleet, first: DeskPage, second: DeskPage
) -> None:
    first.ask("Write 20 words")
    whole = first.wait_for_end()
    second.share(first.name)
    for worker in fleet.workers:
        worker.stop()
    fleet.start()
    for desk in (first, second):
        desk.look()
        assert desk.wait_for_end() == whole
        desk.ask("Write 5 words")
        desk.wait_for_end()
