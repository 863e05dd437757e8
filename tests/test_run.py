"""`make run`: the development server, which is what a stranger sees first."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from streamui.testing import AppServer

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent


@pytest.fixture
def server(app_copy: Path) -> Iterator[AppServer]:
    with AppServer(app_copy, mode="dev") as server:
        yield server


def test_the_development_server_answers_a_question(server: AppServer, page: Page) -> None:
    page.goto(server.url)
    page.get_by_role("textbox", name="Message").fill("Write 30 words about rivers")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("log")).to_contain_text("river", ignore_case=True)


def test_reflex_alone_is_told_to_end_and_nothing_stays_behind(server: AppServer) -> None:
    assert server.process
    os.kill(server.process.pid, signal.SIGTERM)
    server.process.wait(timeout=20)
    with pytest.raises(ProcessLookupError):
        os.killpg(server.process.pid, 0)
    log = server.log.read_text().lower()
    assert "warning" not in log
    assert "error" not in log


def test_the_lock_file_stays_as_it_is_in_git(app_server: AppServer) -> None:
    name = "reflex.lock/package-lock.json"
    assert (app_server.folder / name).read_text() == (ROOT / name).read_text()
