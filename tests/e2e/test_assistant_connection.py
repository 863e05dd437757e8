"""A page that is reloaded, or cut off, in the middle of an answer."""

import pytest
from playwright.sync_api import expect

from tests.e2e.assistant_page import AssistantPage, answer

QUESTION = "Write 120 words about rivers"
SLOWLY = f"{QUESTION} at 40 words per second"


# The page's sockets, which can be cut, and kept from coming back by an address that refuses.
SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
    constructor(url, protocols) {
        super(window.down ? "ws://127.0.0.1:9/" : url, protocols);
        window.sockets.push(this);
    }
};
"""
CUT = "sockets.at(-1).close()"


@pytest.fixture
def whole(chromium, app_server):
    """The whole answer, from a page that nothing happens to."""
    with chromium.new_context() as context:
        assistant = AssistantPage(context.new_page(), app_server.url).open()
        return answer(assistant.ask_and_wait(f"{QUESTION} at full speed")).inner_text()


def test_a_reload_in_the_middle_loses_nothing(page, app_server, whole):
    assistant = AssistantPage(page, app_server.url).open()
    message = assistant.ask(SLOWLY)
    before = assistant.wait_for_text(message)
    page.reload()
    assert whole.startswith(assistant.wait_for_text(message, len(before)))
    expect(assistant.stop).to_be_visible()
    assistant.wait_for_end(message)
    assert answer(message).inner_text() == whole


def test_an_answer_that_ended_while_nobody_looked_is_there_afterwards(page, app_server, whole):
    assistant = AssistantPage(page, app_server.url).open()
    assistant.wait_for_text(assistant.ask(SLOWLY))
    page.goto("about:blank")
    second = AssistantPage(page.context.new_page(), app_server.url).open()
    second.ask_and_wait(SLOWLY)  # takes as long as the first one
    page.go_back()
    assistant.wait_for_end(assistant.messages.first)
    assert answer(assistant.messages.first).inner_text() == whole


@pytest.mark.complaints("WebSocket")
def test_a_cut_socket_goes_on_where_it_was(page, app_server, whole):
    page.add_init_script(SOCKETS)
    assistant = AssistantPage(page, app_server.url).open()
    message = assistant.ask(SLOWLY)
    for _ in range(3):
        before = len(answer(message).inner_text())
        assistant.wait_for_text(message, before + 60)
        page.evaluate(CUT)
    assistant.wait_for_end(message)
    assert answer(message).inner_text() == whole


@pytest.mark.complaints("WebSocket")
def test_what_is_written_without_a_connection_stays_until_it_can_be_sent(page, app_server, whole):
    page.add_init_script(SOCKETS)
    assistant = AssistantPage(page, app_server.url).open()
    message = assistant.ask(SLOWLY)
    assistant.wait_for_text(message)
    page.evaluate(f"window.down = true; {CUT}")
    assistant.box.fill("Write 10 words about lakes")
    expect(page.get_by_role("alert").filter(has_text="No connection")).to_be_visible()
    expect(assistant.send).to_be_disabled()
    assistant.box.press("Enter")
    expect(assistant.box).to_have_value("Write 10 words about lakes")
    page.evaluate("window.down = false")
    expect(assistant.send).to_be_enabled(timeout=20_000)
    assistant.wait_for_end(message)
    assert answer(message).inner_text() == whole
    assistant.send.click()
    assistant.wait_for_end(assistant.messages.nth(1))
