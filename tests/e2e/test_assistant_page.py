"""The page around the conversation: scrolling, sizes, keyboard, colours, addresses."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.assistant_page import GREETING, AssistantPage, answer, state

RENDERS = (Path(__file__).parent / "count_renders.js").read_text()
LONG = "Write 400 words about rivers at 100 words per second"
BUSY = tuple(
    f"{question}, at full speed"
    for question in ("Compare tea and coffee in a table", "Show me code for primes", "w" * 300)
)


@pytest.fixture
def assistant(page, app_server):
    return AssistantPage(page, app_server.url).open()


def test_the_list_stays_at_its_end_while_the_reader_is_there(assistant, page):
    page.set_viewport_size({"width": 800, "height": 400})
    message = assistant.ask(LONG)
    # Looked at where the browser is about to paint: never away from the end.
    assistant.log.evaluate("""log => {
        window.farthest = window.looks = 0;
        new ResizeObserver(() => {
            const room = log.scrollHeight - log.clientHeight - log.scrollTop;
            window.farthest = Math.max(window.farthest, room);
            window.looks++;
        }).observe(log.firstElementChild);
    }""")
    assistant.wait_for_end(message)
    assert page.evaluate("window.farthest") <= 1
    assert page.evaluate("window.looks") > 5
    assert assistant.log.evaluate("log => log.scrollTop") > 200


def test_content_that_shrinks_and_grows_is_no_reader_who_scrolls_up(assistant, page):
    page.set_viewport_size({"width": 800, "height": 400})
    assistant.ask_and_wait("Write 300 words about rivers at full speed")
    assistant.log.evaluate("""async log => {
        const add = () => log.firstElementChild.append(document.createElement("hr"));
        const turn = () => new Promise(resolve => setTimeout(resolve));
        const painted = async () => {
            for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
        };
        for (let i = 0; i < 20; i++) add();
        await painted();
        for (let i = 0; i < 8; i++) log.firstElementChild.lastChild.remove();
        void log.scrollTop;
        await turn();
        for (let i = 0; i < 30; i++) add();
        void log.scrollTop;
        await painted();
    }""")
    assert assistant.room_below() <= 1


def test_a_reader_who_scrolls_up_is_left_alone_until_asking_for_the_latest(assistant, page):
    page.set_viewport_size({"width": 800, "height": 400})
    message = assistant.ask(LONG)
    page.wait_for_function("document.querySelector('[role=log]').scrollTop > 200")
    jump = assistant.button("Jump to latest")
    expect(jump).to_have_count(0)
    assistant.log.hover()
    page.mouse.wheel(0, -150)
    expect(jump).to_be_visible()
    top = assistant.log.evaluate("log => log.scrollTop")
    length = len(answer(message).inner_text())
    assistant.wait_for_text(message, length + 400)
    assert assistant.log.evaluate("log => log.scrollTop") == top
    jump.click()
    expect(jump).to_have_count(0)
    assistant.wait_for_end(message)
    page.wait_for_function(
        "(log => log.scrollHeight - log.clientHeight - log.scrollTop <= 1)"
        "(document.querySelector('[role=log]'))"
    )


def test_sending_takes_a_reader_who_is_elsewhere_to_the_end(assistant, page):
    page.set_viewport_size({"width": 800, "height": 400})
    assistant.ask_and_wait("Write 300 words about rivers at full speed")
    assistant.log.evaluate("log => log.scrollTo(0, 0)")
    expect(assistant.button("Jump to latest")).to_be_visible()
    assistant.ask_and_wait("Write 10 words about lakes")
    assert assistant.room_below() <= 1


def test_only_the_message_that_streams_renders(page, app_server):
    page.add_init_script(RENDERS)
    assistant = AssistantPage(page, app_server.url).open()
    assistant.ask_and_wait("Compare tea and coffee in a table")
    second = assistant.ask("Write 90 words about rivers at 30 words per second")
    assistant.wait_for_text(second)
    page.evaluate("""() => {
        document.querySelectorAll("article").forEach((article, number) => {
            article.id = `message${number}`;
            article.querySelectorAll("*").forEach((each, i) => (each.id = `part${number}-${i}`));
        });
        window.renders = {};
    }""")
    assistant.wait_for_end(second)
    renders = page.evaluate("window.renders")
    assert any(name.startswith("part1-") for name in renders), renders
    assert not [name for name in renders if name.startswith(("message", "part0-"))], renders


def test_what_was_said_is_not_sent_again_with_the_next_message(page, app_server):
    came = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda each: came.append(each)))
    assistant = AssistantPage(page, app_server.url).open()
    first = assistant.ask_and_wait("Write 500 words at full speed. " + "A long question. " * 500)
    came.clear()
    assistant.ask_and_wait("Write 10 words about lakes")
    assert sum(map(len, came)) < 3_000
    page.reload()
    expect(first.locator(".question")).to_contain_text("A long question.")
    assert len(answer(first).inner_text().split()) == 500


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_nothing_is_wider_than_the_page(assistant, page, width):
    page.set_viewport_size({"width": width, "height": 740})
    for question in BUSY:
        assistant.ask_and_wait(question)
    for element in ("document.documentElement", "document.querySelector('[role=log]')"):
        assert page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth")
    for each in (assistant.box, assistant.send, assistant.button("New conversation")):
        expect(each).to_be_in_viewport(ratio=1)
    assert assistant.log.locator(".column").bounding_box()["width"] <= 48 * 16 + 32


def test_everything_can_be_done_with_the_keyboard_alone(assistant, page):
    press = page.keyboard.press
    expect(assistant.box).to_be_focused()
    page.keyboard.type("Write 100 words about tea, stall after 20 words")
    press("Enter")
    message = assistant.messages.first
    expect(assistant.stop).to_be_visible()
    press("Tab")  # Send is disabled: the first stop is Stop
    expect(assistant.stop).to_be_focused()
    assert assistant.stop.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
    press("Enter")
    assistant.wait_for_end(message, "cancelled")
    expect(assistant.box).to_be_focused()
    press("Shift+Tab")
    expect(assistant.button("Try again", message)).to_be_focused()
    press("Enter")
    expect(state(message)).to_have_attribute("data-status", "streaming")
    expect(assistant.box).to_be_focused()
    assistant.stop.press("Enter")
    assistant.wait_for_end(message, "cancelled")


def test_the_page_has_a_language_a_title_a_description_and_landmarks(assistant, page):
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page).to_have_title("streamui assistant")
    assert page.locator("meta[name=description]").get_attribute("content")
    for landmark in ("banner", "main"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_text("streamui")
    expect(page.get_by_role("log", name="Messages")).to_be_visible()
    expect(assistant.progress).to_have_count(1)


def test_the_colours_follow_the_system_until_somebody_chooses(assistant, page):
    root = page.locator("html")
    expect(root).to_have_class("light")
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(root).to_have_class("dark")
    assistant.button("Colour mode").click()
    page.get_by_role("menuitem", name="Light").click()
    expect(root).to_have_class("light")
    page.reload()
    expect(root).to_have_class("light")


@pytest.mark.complaints("status of 404")
def test_back_and_forward_keep_the_conversation(assistant, page, app_server):
    message = assistant.ask("Write 60 words about rivers at 30 words per second")
    assistant.wait_for_text(message)
    page.goto(f"{app_server.url}/nowhere")
    expect(page.get_by_role("heading", name="There is no page here")).to_be_visible()
    page.get_by_role("link", name="Back to the assistant").click()
    assistant.wait_for_end(assistant.messages.first)
    assert len(answer(assistant.messages.first).inner_text().split()) == 60
    page.go_back()
    expect(page.get_by_role("heading", name="There is no page here")).to_be_visible()
    page.go_back()
    expect(assistant.messages).to_have_count(1)
    expect(page.get_by_role("heading", name=GREETING)).to_have_count(0)
