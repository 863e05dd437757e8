"""The box to write in: what it sends, what it refuses, and what it never loses."""

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.assistant_page import AssistantPage, answer, state

SLOWLY = "Write 300 words about rivers at 60 words per second"


@pytest.fixture
def assistant(page, app_server):
    return AssistantPage(page, app_server.url).open()


def test_send_is_disabled_while_there_is_nothing_to_send(assistant):
    for nothing in ("", "   ", "\n \n"):
        assistant.box.fill(nothing)
        expect(assistant.send).to_be_disabled()
        assistant.box.press("Enter")
    expect(assistant.messages).to_have_count(0)
    assistant.box.fill("hello")
    expect(assistant.send).to_be_enabled()


def test_enter_sends_and_shift_enter_begins_a_line(assistant):
    assistant.box.press_sequentially("hello")
    assistant.box.press("Shift+Enter")
    assistant.box.press_sequentially("there")
    expect(assistant.box).to_have_value("hello\nthere")
    assistant.box.press("Enter")
    expect(assistant.messages).to_have_count(1)
    assert assistant.messages.locator(".question").inner_text() == "hello\nthere"
    expect(assistant.box).to_have_value("")
    expect(assistant.box).to_be_focused()


def test_the_enter_that_ends_the_composition_of_a_word_does_not_send(assistant):
    assistant.box.fill("にほん")
    assistant.box.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    assistant.box.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    expect(assistant.box).to_have_value("にほん")
    expect(assistant.messages).to_have_count(0)


def test_the_focus_is_in_the_box_after_the_send_button(assistant):
    assistant.box.fill("hello")
    assistant.send.click()
    expect(assistant.messages).to_have_count(1)
    expect(assistant.box).to_be_focused()
    expect(assistant.send).to_be_disabled()


def test_the_focus_goes_from_stop_to_the_box_when_an_answer_ends_by_itself(assistant):
    message = assistant.ask("Write 30 words about rivers at 30 words per second")
    assistant.stop.focus()
    assistant.wait_for_end(message)
    expect(assistant.stop).to_have_count(0)
    expect(assistant.box).to_be_focused()


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_focus_is_in_the_box_after_stop_by_keyboard(assistant, key):
    message = assistant.ask(SLOWLY)
    assistant.wait_for_text(message)
    assistant.stop.press(key)
    assistant.wait_for_end(message, "cancelled")
    expect(assistant.stop).to_have_count(0)
    expect(assistant.box).to_be_focused()


def test_a_focus_that_left_stop_before_the_end_stays_where_it_is(assistant, page):
    message = assistant.ask("Write 30 words about rivers at 30 words per second")
    assistant.stop.focus()
    page.locator(".hint").click()  # nothing there takes the focus
    expect(page.locator("body")).to_be_focused()
    assistant.wait_for_end(message)
    expect(assistant.stop).to_have_count(0)
    expect(page.locator("body")).to_be_focused()


def test_typing_while_an_answer_streams_loses_no_letter_and_asks_nothing_of_the_server(
    page, app_server
):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    assistant = AssistantPage(page, app_server.url).open()
    message = assistant.ask(SLOWLY)
    before = assistant.wait_for_text(message)
    events = [frame for frame in sent if '"event"' in str(frame)]
    draft = "typed while the answer streams in "
    assistant.box.press_sequentially(draft, delay=20)
    expect(assistant.box).to_have_value(draft)
    assert len(answer(message).inner_text()) > len(before)
    assert [frame for frame in sent if '"event"' in str(frame)] == events
    expect(assistant.box).to_be_focused()
    assistant.wait_for_end(message)
    expect(assistant.box).to_have_value(draft)


def test_the_box_grows_with_its_text_up_to_a_part_of_the_page(assistant):
    height = "e => e.getBoundingClientRect().height"
    low = assistant.box.evaluate(height)
    assistant.box.fill("a\nb\nc")
    middle = assistant.box.evaluate(height)
    assistant.box.fill("line\n" * 100)
    high = assistant.box.evaluate(height)
    assert low < middle < high <= 320


def test_a_message_over_the_limit_is_refused_with_its_length(assistant, page):
    refusal = page.get_by_role("alert").filter(has_text="100,001 characters")
    assistant.box.fill("😀" * 100_000)
    expect(refusal).to_have_count(0)
    assistant.box.fill("😀" * 100_001)
    expect(refusal).to_contain_text("the most that can be sent is 100,000")
    assistant.box.press("Enter")
    assistant.send.click()
    expect(assistant.messages).to_have_count(0)
    assistant.box.fill("shorter")
    expect(refusal).to_have_count(0)


def test_the_server_refuses_what_a_page_should_have_refused(page, app_server):
    def stretch(message):
        return message.replace('"tiny"', json.dumps("x" * 100_001))

    def through(socket):
        server = socket.connect_to_server()
        socket.on_message(lambda message: server.send(stretch(message)))

    page.route_web_socket("**/_event**", through)
    assistant = AssistantPage(page, app_server.url).open()
    message = assistant.ask("tiny")
    expect(state(message)).to_contain_text("That is too long to send.")
    expect(assistant.button("Try again")).to_have_count(0)
    expect(message.locator(".question")).to_have_text("x" * 200 + "…")


def test_what_was_written_survives_a_reload(assistant, page):
    assistant.box.fill("half a thought")
    page.reload()
    expect(assistant.box).to_have_value("half a thought")
    expect(assistant.send).to_be_enabled()
    message = assistant.ask_and_wait("Write 10 words about lakes")
    expect(answer(message)).to_contain_text("lakes")
    page.reload()
    expect(assistant.messages).to_have_count(1)
    expect(assistant.box).to_have_value("")
