"""A tool waits until its page allows it: over a reload, and for nobody else."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

SOURCE = (Path(__file__).parent / "approval_page.py").read_text()


@pytest.fixture(scope="module")
def desk(run_app):
    return run_app(SOURCE).url


class Desk:
    def __init__(self, page, url):
        self.page = page
        page.goto(url)
        self.wait_until_ready()

    def wait_until_ready(self):
        # A click before that would be lost.
        self.page.wait_for_function("document.querySelector('#answer')?.dataset.status")

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def asks(self):
        """Ask, and wait for the tool's question."""
        self.press("Ask")
        expect(self.call).to_have_text("cancel_order 17: asking")
        return self.page.locator(".id").inner_text()

    @property
    def call(self):
        return self.page.locator(".call")

    @property
    def question(self):
        return self.page.get_by_role("button", name="Deny", exact=True)


def test_a_tool_waits_over_a_reload_until_its_page_allows_it(page, desk):
    desk = Desk(page, desk)
    desk.asks()
    page.reload()
    desk.wait_until_ready()
    expect(desk.call).to_have_text("cancel_order 17: asking")
    desk.press("Approve")
    expect(desk.call).to_have_text("cancel_order 17: done")
    expect(page.locator(".refund")).to_have_text("12.5")
    expect(desk.question).to_have_count(0)
    expect(page.locator("#answer")).to_have_text(re.compile("Order 17 is cancelled"))
    expect(page.locator("#answer")).to_have_attribute("data-status", "done")


def test_the_model_is_told_of_a_denial_and_nobody_else_answers(page, context, desk):
    url, desk = desk, Desk(page, desk)
    call = desk.asks()
    other = Desk(context.new_page(), f"{url}?call={call}")
    expect(other.page.locator("#other")).to_have_text(call)
    other.press("Approve another page's")
    other.press("Click")
    expect(other.page.locator("#clicks")).to_have_text("1")
    desk.press("Deny")
    expect(desk.call).to_have_text("cancel_order 17: failed")
    expect(page.locator(".sentence")).to_have_text("This was not allowed.")
    expect(page.locator("#answer")).to_have_text(re.compile("It is on its way"))
    expect(page.locator("#answer")).to_have_attribute("data-status", "done")
    desk.asks()
    desk.press("Stop")
    expect(page.locator("#answer")).to_have_attribute("data-status", "cancelled")
    expect(desk.question).to_have_count(0)
