"""The assistant's page as its tests see it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

GREETING = "What would you like to know?"


class AssistantPage:
    """A tab with the assistant in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.box = page.get_by_role("textbox", name="Message", exact=True)
        self.send = page.get_by_role("button", name="Send", exact=True)
        self.stop = page.get_by_role("button", name="Stop", exact=True)
        self.log = page.get_by_role("log")
        self.progress = page.get_by_role("status")
        self.messages = self.log.get_by_role("article")

    def open(self) -> AssistantPage:
        self.page.goto(self.url)
        expect(self.page.get_by_role("heading", name=GREETING)).to_be_visible()
        return self

    def ask(self, question: str) -> Locator:
        """Ask, wait until the question is on the page, and return its message."""
        count = self.messages.count()
        self.box.fill(question)
        self.box.press("Enter")
        expect(self.messages).to_have_count(count + 1)
        return self.messages.nth(count)

    def ask_and_wait(self, question: str) -> Locator:
        """Ask, and wait until the answer is complete."""
        message = self.ask(question)
        self.wait_for_end(message)
        return message

    def wait_for_end(self, message: Locator, status: str = "done") -> None:
        expect(state(message)).to_have_attribute("data-status", status, timeout=20_000)
        # Markdown is drawn at a pace of its own.
        expect(message.locator("[data-streaming]")).to_have_count(0)

    def wait_for_text(self, message: Locator, length: int = 40) -> str:
        """Wait until an answer has so many characters; return what it has then."""
        handle = answer(message).element_handle()
        self.page.wait_for_function(
            "([e, length]) => e.innerText.length >= length", arg=[handle, length]
        )
        return answer(message).inner_text()

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def room_below(self) -> float:
        """How many pixels the list is away from its end."""
        return self.log.evaluate("e => e.scrollHeight - e.clientHeight - e.scrollTop")


def answer(message: Locator) -> Locator:
    """A message's answer."""
    return message.locator(".answer")


def state(message: Locator) -> Locator:
    """A message's status line."""
    return message.locator("footer [data-status]")
