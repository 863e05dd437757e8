"""The page of workers_page.py as its tests see it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect


class DeskPage:
    """A tab with the question's page in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.answer = page.locator("#answer")
        self.status = page.locator("#status")

    def open(self, path: str = "") -> DeskPage:
        self.page.goto(self.url + path)
        return self.wait_until_ready()

    def wait_until_ready(self) -> DeskPage:
        self.page.wait_for_function(
            "sessionStorage.token && document.querySelector('#answer')?.dataset.status"
        )
        return self

    def share(self, name: str) -> DeskPage:
        """Show the stream of another page."""
        return self.open(f"/shared?id={name}")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def ask(self, question: str, length: int = 1) -> str:
        """Ask, wait for the answer's first words, and return its stream's id."""
        before = self.name
        self.page.fill("#question", question)
        self.press("Ask")
        expect(self.page.locator("#stream-id")).not_to_have_text(before)
        self.wait_for_text(length)
        return self.name

    def wait_for_text(self, length: int) -> str:
        self.page.wait_for_function(
            "length => document.querySelector('#answer').textContent.length >= length", arg=length
        )
        return self.text

    def wait_for_end(self, status: str = "done", seconds: float = 20) -> str:
        expect(self.answer).to_have_attribute("data-status", status, timeout=1000 * seconds)
        return self.text

    def look(self) -> tuple[int, str]:
        """Which process handles this page's events, and what the answer is to a handler there."""
        before = self.page.locator("#looks").inner_text()
        self.press("Look")
        expect(self.page.locator("#looks")).not_to_have_text(before)
        worker = int(self.page.locator("#worker").inner_text())
        return worker, text_of(self.page.locator("#live"))

    @property
    def text(self) -> str:
        return text_of(self.answer)

    @property
    def name(self) -> str:
        return self.page.locator("#stream-id").inner_text()

    @property
    def path(self) -> str:
        """The stream's signed link, without the site."""
        return re.sub("^https?://[^/]*", "", self.page.locator("#address").inner_text())

    @property
    def token(self) -> str:
        return self.page.evaluate("sessionStorage.token")


def text_of(locator: Locator) -> str:
    """Not inner_text(): that folds white space."""
    return locator.evaluate("each => each.textContent")


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
