"""What is there before the first question, on a screen that is too low for it."""

from playwright.sync_api import expect

from tests.e2e.assistant_page import AssistantPage


def test_the_greeting_is_read_from_its_beginning_on_a_low_screen(page, app_server):
    page.set_viewport_size({"width": 360, "height": 480})
    assistant = AssistantPage(page, app_server.url).open()
    assert assistant.room_below() > 32
    assert assistant.log.evaluate("e => e.scrollTop") == 0
    expect(page.get_by_role("button", name="Jump to latest")).to_have_count(0)
    message = assistant.ask_and_wait("Write 20 words about lakes at full speed")
    expect(message).to_be_in_viewport()
