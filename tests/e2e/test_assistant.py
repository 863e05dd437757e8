"""A conversation with the assistant: asking, stopping, waiting, failing, beginning anew."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.assistant_page import GREETING, AssistantPage, answer, state

SLOWLY = "Write 300 words about rivers at 60 words per second"
# Keeps everything that a status line has said.
RECORD = """line => {
    window.said = [line.textContent];
    new MutationObserver(() => window.said.push(line.textContent))
        .observe(line, {childList: true, characterData: true, subtree: true});
}"""


@pytest.fixture
def assistant(page, app_server):
    return AssistantPage(page, app_server.url).open()


def test_the_status_and_the_text_of_an_answer_come_in_live(assistant, page):
    message = assistant.ask("Write 60 words about rivers at 30 words per second")
    state(message).evaluate(RECORD)
    expect(state(message)).to_have_text("response.output_text.delta")
    expect(assistant.progress).to_have_text("Answering…")
    some = assistant.wait_for_text(message)
    more = assistant.wait_for_text(message, len(some) + 40)
    assert more.startswith(some)
    assistant.wait_for_end(message)
    expect(state(message)).to_have_text("response.completed")
    expect(assistant.progress).to_have_text("Answer complete")
    assert len(answer(message).inner_text().split()) == 60
    assert {"response.output_text.delta", "response.completed"} <= set(page.evaluate("window.said"))


def test_a_second_question_continues_the_conversation(assistant):
    assistant.ask_and_wait("My name is Ada.")
    expect(answer(assistant.ask_and_wait("What is my name?"))).to_contain_text("Ada")


def test_stop_keeps_the_text_and_the_conversation_goes_on_from_the_last_good_answer(assistant):
    assistant.ask_and_wait("My name is Ada.")
    message = assistant.ask(SLOWLY)
    text = assistant.wait_for_text(message)
    assistant.stop.click()
    assistant.wait_for_end(message, "cancelled")
    expect(state(message)).to_have_text("Stopped")
    expect(assistant.progress).to_have_text("Stopped")
    expect(assistant.stop).to_have_count(0)
    expect(assistant.box).to_be_focused()
    kept = answer(message).inner_text()
    assert kept.startswith(text)
    expect(answer(assistant.ask_and_wait("What is my name?"))).to_contain_text("Ada")
    assert answer(message).inner_text() == kept


def test_a_question_sent_meanwhile_waits_its_turn_and_says_so(assistant):
    first = assistant.ask("Write 60 words about rivers at 30 words per second")
    second = assistant.ask("Write 10 words about lakes")
    third = assistant.ask("Write 10 words about seas")
    for waiting in (second, third):
        expect(state(waiting)).to_have_text("waiting for its turn")
    assert answer(second).inner_text() == ""
    assistant.wait_for_end(third)
    for message, topic in ((first, "rivers"), (second, "lakes"), (third, "seas")):
        expect(state(message)).to_have_text("response.completed")
        expect(answer(message)).to_contain_text(topic)


def test_a_waiting_question_can_be_taken_back(assistant):
    first = assistant.ask("Write 60 words about rivers at 30 words per second")
    second = assistant.ask("Write 10 words about lakes")
    assistant.button("Cancel", second).click()
    expect(state(second)).to_have_text("Stopped")
    assistant.wait_for_end(first)
    third = assistant.ask_and_wait("What did I ask before?")
    expect(answer(third)).not_to_contain_text("lakes")
    expect(answer(second)).to_have_text("")


def test_stopping_an_answer_lets_the_next_question_have_its_turn(assistant):
    first = assistant.ask("Write 100 words about tea, stall after 20 words")
    assistant.wait_for_text(first)
    second = assistant.ask("Write 10 words about lakes")
    assistant.stop.click()
    assistant.wait_for_end(first, "cancelled")
    assistant.wait_for_end(second)


def test_an_error_shows_on_its_message_and_can_be_tried_again_in_place(assistant):
    message = assistant.ask("Write 100 words about tea, fail with 429 after 20 words")
    assistant.ask_and_wait("Write 10 words about lakes")
    expect(state(message)).to_contain_text("The model is busy with too many requests.")
    partial = answer(message).inner_text()
    assert partial
    reference = re.compile(r"\(([0-9a-f]{8})\)$")
    first = reference.search(state(message).inner_text())
    assert first
    assistant.button("Try again", message).click()
    expect(state(message)).not_to_contain_text(first[1])
    expect(state(message)).to_have_text(reference, timeout=20_000)
    assert answer(message).inner_text() == partial
    expect(assistant.messages).to_have_count(2)


def test_a_stopped_answer_can_be_tried_again_in_place(assistant):
    message = assistant.ask("Write 40 words about rivers at 20 words per second")
    assistant.wait_for_text(message)
    assistant.stop.click()
    assistant.button("Try again", message).click()
    assistant.wait_for_end(message)
    assert len(answer(message).inner_text().split()) == 40
    expect(assistant.button("Try again")).to_have_count(0)


def test_a_new_conversation_begins_empty_and_remembers_nothing(assistant):
    assistant.ask_and_wait("My name is Ada.")
    assistant.ask(SLOWLY)
    assistant.ask("Write 10 words about lakes")
    assistant.button("New conversation").click()
    expect(assistant.page.get_by_role("heading", name=GREETING)).to_be_visible()
    expect(assistant.stop).to_have_count(0)
    expect(assistant.box).to_be_focused()
    message = assistant.ask_and_wait("What is my name?")
    expect(answer(message)).to_contain_text("You haven't told me yet")


def test_the_greeting_says_who_answers_and_a_suggestion_asks_at_once(assistant, page):
    expect(page.get_by_text("built-in demo model answers")).to_be_visible()
    assistant.button("Compare tea and coffee in a table").click()
    expect(assistant.log.get_by_role("table")).to_be_visible()
    expect(assistant.box).to_be_focused()


def test_an_answer_can_be_copied_as_it_was_written(assistant, page, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    message = assistant.ask_and_wait("Compare tea and coffee in a table")
    assistant.button("Copy", message).click()
    expect(page.get_by_text("Answer copied")).to_be_visible()
    assert "| Aspect | Tea | Coffee |" in page.evaluate("navigator.clipboard.readText()")


def test_two_people_and_two_tabs_have_conversations_of_their_own(
    assistant, context, chromium, app_server
):
    assistant.ask_and_wait("My name is Ada.")
    with chromium.new_context() as private:
        for page in (context.new_page(), private.new_page()):
            other = AssistantPage(page, app_server.url).open()
            expect(answer(other.ask_and_wait("What is my name?"))).to_contain_text("You haven't")
    expect(assistant.messages).to_have_count(1)
