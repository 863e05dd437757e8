"""A process that ends: asked to, in the middle of answers, or killed, and begun again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import Page, expect

from streamui.testing import AppServer
from tests.e2e.desk_page import DeskPage, until
from tests.servers.fleet import Fleet, Granian, Pages
from tests.servers.readers import Reading, read

SHORT = "Write 100 words about rivers at 40 words per second"
LONG = "Write 2000 words about rivers at 40 words per second"
DRAIN = 4.0
RESTARTING = "The server is restarting. Try again in a moment."

pytestmark = pytest.mark.complaints("WebSocket")


@pytest.fixture(scope="module")
def fleet(desk_pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Workers that share nothing: one that `reflex run` starts, and one that Granian does."""
    folder = tmp_path_factory.mktemp("alone")
    env = {"STREAMUI_DRAIN": str(DRAIN), "REFLEX_STATE_MANAGER_DISK_DEBOUNCE": "0.1s"}
    with Fleet(desk_pages, folder, AppServer, Granian, shared=False, env=env) as fleet:
        yield fleet


@pytest.fixture
def desk(page: Page, fleet: Fleet) -> DeskPage:
    fleet.start()
    return DeskPage(page, fleet.url(0)).open()


def ask_to_end(fleet: Fleet, by: signal.Signals = signal.SIGTERM) -> float:
    """Send a signal as a terminal or a service manager does; return when."""
    process = fleet.workers[0].process
    assert process is not None
    os.killpg(process.pid, by)
    return time.monotonic()


def wait_for_exit(fleet: Fleet) -> float:
    """Wait until no process is left; return when."""
    worker = fleet.workers[0]
    assert worker.process is not None
    assert worker.process.wait(20) == 0, worker.log_tail()
    ended = time.monotonic()
    worker.stop()
    return ended


def test_fault_15_an_answer_that_needs_little_time_has_it(fleet: Fleet, desk: DeskPage) -> None:
    desk.ask(SHORT, 40)
    with ThreadPoolExecutor() as threads:
        reader = threads.submit(read, fleet.workers[0].port, desk.path)
        begun = ask_to_end(fleet)
        desk.page.fill("#question", "Something else")
        desk.press("Ask")
        expect(desk.page.get_by_text(RESTARTING)).to_be_visible()
        whole = desk.wait_for_end()
        assert reader.result() == Reading(whole, ["done"])
    assert len(whole.split()) == 100
    assert wait_for_exit(fleet) - begun < DRAIN


def test_fault_15_an_answer_that_needs_too_much_ends_as_interrupted_for_all(
    fleet: Fleet, desk: DeskPage
) -> None:
    desk.ask(LONG, 40)
    with ThreadPoolExecutor() as threads:
        reader = threads.submit(read, fleet.workers[0].port, desk.path)
        begun = ask_to_end(fleet)
        part = desk.wait_for_end("interrupted")
        assert reader.result() == Reading(part, ["interrupted"])
    assert DRAIN < wait_for_exit(fleet) - begun < DRAIN + 2
    assert not fleet.provider.stats().open


def test_the_second_ctrl_c_does_not_wait(fleet: Fleet, desk: DeskPage) -> None:
    desk.ask(LONG, 40)
    begun = ask_to_end(fleet, signal.SIGINT)
    desk.page.fill("#question", "Something else")
    desk.press("Ask")
    expect(desk.page.get_by_text(RESTARTING)).to_be_visible()
    ask_to_end(fleet, signal.SIGINT)
    desk.wait_for_end("interrupted")
    assert wait_for_exit(fleet) - begun < DRAIN


def test_nothing_is_waited_for_where_nothing_runs(fleet: Fleet, desk: DeskPage) -> None:
    desk.ask("Write 5 words")
    desk.wait_for_end()
    begun = ask_to_end(fleet, signal.SIGINT)
    assert wait_for_exit(fleet) - begun < 1.5


def test_fault_14_a_killed_process_has_lost_what_only_it_had_and_says_so(
    fleet: Fleet, desk: DeskPage
) -> None:
    desk.ask(LONG, 40)
    path = desk.path
    os.kill(desk.look()[0], signal.SIGKILL)
    fleet.workers[0].stop()
    fleet.start()
    lost = "The server has restarted, and what it was writing here is lost."
    expect(desk.page.get_by_text(lost)).to_be_visible(timeout=20_000)
    link = httpx.get(f"http://127.0.0.1:{fleet.workers[0].port}{path}", trust_env=False)
    assert (link.status_code, link.json()["code"]) == (404, "lost")
    desk.ask("Write 5 words")
    desk.wait_for_end()


def test_fault_14_history_that_reflex_keeps_on_disk_is_there_after_a_kill(
    fleet: Fleet, page: Page
) -> None:
    desk = DeskPage(page, fleet.url(1)).open()
    worker = fleet.workers[1]
    desk.ask("Write 5 words")
    earlier = desk.wait_for_end()
    desk.ask(LONG, 40)
    states = worker.folder / ".states"
    until(lambda: any(earlier.encode() in each.read_bytes() for each in states.glob("*.pkl")))
    shown = desk.wait_for_text(200)
    os.kill(desk.look()[0], signal.SIGKILL)
    worker.stop()
    fleet.start()
    part = desk.wait_for_end("interrupted")
    assert part.startswith(shown)
    expect(desk.status).to_have_text("The answer was interrupted.")
    expect(page.locator("#earlier")).to_contain_text(earlier)
    page.reload()
    desk.wait_until_ready()
    assert part.startswith(desk.wait_for_end("interrupted"))
    expect(page.locator("#earlier")).to_contain_text(earlier)
