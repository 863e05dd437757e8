import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

SOURCE = (Path(__file__).parent / "streaming_page.py").read_text()
RENDERS = (Path(__file__).parent / "count_renders.js").read_text()


@pytest.fixture(scope="module")
def stage(run_app):
    return run_app(SOURCE).url


class Wire:
    """The page's socket: what came, and a way to cut it."""

    def __init__(self, page):
        self.frames = []
        self.sockets = []
        page.route_web_socket(re.compile("_event"), self._open)

    def _open(self, socket):
        server = socket.connect_to_server()
        socket.on_message(server.send)

        def receive(message):
            self.frames.append(message)
            socket.send(message)

        server.on_message(receive)
        self.sockets.append((socket, server))

    def cut(self):
        socket, server = self.sockets[-1]
        server.close()
        socket.close(code=3001, reason="cut by the test")

    def ops(self):
        """Return the ops that came, oldest first."""
        found = []
        for frame in self.frames:
            if '"streamui"' in frame:
                delta = json.loads(frame[frame.index("[") :])[1]["delta"]
                found.extend(delta.get("streamui", {}).values())
        return found


def words(letter, count):
    return "".join(f"{letter}{number} " for number in range(count))


def shows(page, text, selector="#text"):
    # Not to_have_text: that folds white space.
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent === text",
        arg=[selector, text],
    )


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def open_page(page, url, path="/"):
    page.goto(url + path)
    # The button works once the page is hydrated; before, its click would be lost.
    page.wait_for_function("document.querySelector('#text')?.dataset.status")


def start(page, stage):
    open_page(page, stage)
    shows(page, "nothing yet")
    press(page, "stream")
    shows(page, "busy", "#cond")


def test_every_way_to_show_a_stream_stays_live_and_ends(page, stage):
    start(page, stage)
    press(page, "go 10")
    for selector in ("#text", "#badge", "#status"):
        shows(page, words("w", 10), selector)
    shows(page, f"{len(words('w', 10))} characters, streaming", "#format")
    shows(page, "S", "#match")
    shows(page, words("w", 10) + " is streaming", "#card")
    expect(page.locator("#rows > *")).to_have_count(10)
    expect(page.locator("#text")).to_have_attribute("aria-busy", "true")
    press(page, "go 100")
    shows(page, words("w", 60))
    shows(page, f"{len(words('w', 60))} characters, done", "#format")
    shows(page, "D", "#match")
    shows(page, "idle", "#cond")
    expect(page.locator("#rows > *")).to_have_count(60)


def test_a_stop_keeps_the_text_and_twice_is_harmless(page, stage):
    start(page, stage)
    press(page, "go 10")
    page.wait_for_function("document.querySelector('#text').textContent.includes('w9')")
    press(page, "stop")
    shows(page, "other", "#match")
    expect(page.locator("#status")).to_have_text("Stopped")
    shown = page.locator("#text").text_content()
    assert words("w", 60).startswith(shown)
    press(page, "stop")
    press(page, "click")
    expect(page.locator("#clicks")).to_have_text("1")
    shows(page, shown)


def test_other_events_of_the_page_go_on_while_it_streams(page, stage):
    start(page, stage)
    press(page, "click")
    press(page, "click")
    expect(page.locator("#clicks")).to_have_text("2")
    shows(page, "busy", "#cond")
    press(page, "stop")


def test_a_failure_reaches_the_page_as_a_safe_sentence_with_a_reference(page, stage):
    open_page(page, stage)
    press(page, "fail")
    expect(page.locator("#error")).to_have_text(
        re.compile(r"^Something went wrong on the server\. \([0-9a-f]{8}\)$")
    )
    shows(page, "part")
    shows(page, "internal", "#code")
    assert "hunter2" not in page.content()


def test_a_failure_that_no_stream_can_tell_is_a_toast_of_the_same(page, stage):
    open_page(page, stage)
    press(page, "fail at once")
    toast = page.locator("[data-sonner-toast]")
    expect(toast).to_have_text(
        re.compile(r"^Something went wrong on the server\. \([0-9a-f]{8}\)$")
    )
    assert "hunter2" not in page.content()


def test_a_time_limit_reaches_the_page(page, stage):
    open_page(page, stage)
    press(page, "slow")
    shows(page, "timeout", "#code")
    shows(page, "part")


def test_the_latest_call_wins(page, stage):
    open_page(page, stage)
    press(page, "first")
    shows(page, "first")
    press(page, "second")
    shows(page, "second")
    page.get_by_role("link", name="other page").click()
    page.goto(stage + "/messages")
    expect(page.locator("#m0")).to_have_attribute("data-status", "cancelled")
    expect(page.locator("#m1")).to_have_attribute("data-status", "streaming")


def test_yielded_events_work_as_in_reflex(page, stage):
    open_page(page, stage)
    press(page, "events")
    expect(page.locator("#clicks")).to_have_text("2")
    expect(page.locator("#note")).to_have_text("inside")
    expect(page.locator("#typed")).to_have_value("set by the server")


def test_a_plain_reflex_generator_streams_too(page, stage):
    open_page(page, stage)
    other = page.context.new_page()
    open_page(other, stage)
    press(page, "plain")
    press(other, "go plain 1")
    shows(page, "p0 ")
    shows(page, "busy", "#cond")
    press(other, "go plain 4")
    shows(page, words("p", 5))
    shows(page, "D", "#match")


def test_a_plain_generator_that_blocks_the_server_still_streams(page, stage):
    wire = Wire(page)
    open_page(page, stage)
    press(page, "blocking")
    shows(page, words("b", 40))
    shows(page, "D", "#match")
    assert len([op for op in wire.ops() if isinstance(op, str)]) >= 5


def test_fault_03_a_reload_in_the_middle_goes_on_and_loses_nothing(page, stage):
    start(page, stage)
    press(page, "go 10")
    page.wait_for_function("document.querySelector('#text').textContent.includes('w9')")
    page.reload()
    page.wait_for_function("document.querySelector('#text')?.textContent.includes('w9')")
    press(page, "go 100")
    shows(page, words("w", 60))
    shows(page, "D", "#match")


def test_back_and_forward_and_another_page_show_the_same_stream(page, stage):
    start(page, stage)
    press(page, "go 10")
    page.get_by_role("link", name="other page").click()
    page.wait_for_url("**/other")
    page.wait_for_function("document.querySelector('#text')?.textContent.includes('w9')")
    page.go_back()
    press(page, "go 10")
    page.wait_for_function("document.querySelector('#text')?.textContent.includes('w19')")
    page.go_forward()
    page.wait_for_url("**/other")
    page.wait_for_function("document.querySelector('#text')?.textContent.includes('w19')")
    page.goto("about:blank")
    page.go_back()
    page.wait_for_function("document.querySelector('#text')?.textContent.includes('w19')")
    page.get_by_role("link", name="first page").click()
    press(page, "go 100")
    shows(page, words("w", 60))


def test_fault_04_a_second_device_that_is_given_the_stream_shows_the_same(page, stage, chromium):
    start(page, stage)
    press(page, "go 10")
    shows(page, words("w", 10))
    name = page.locator("#stream-id").text_content()
    with chromium.new_context() as device:
        other = device.new_page()
        other.goto(f"{stage}/shared?id={name}")
        shows(other, words("w", 10))
        press(page, "go 100")
        for each in (page, other):
            shows(each, words("w", 60))
            expect(each.locator("#text")).to_have_attribute("data-status", "done")
        late = device.new_page()
        late.goto(f"{stage}/shared?id={name}")
        shows(late, words("w", 60))


def test_fault_56_a_page_that_only_guesses_an_id_is_told_what_an_unknown_one_is(page, stage):
    start(page, stage)
    press(page, "go 10")
    shows(page, words("w", 10))
    name = page.locator("#stream-id").text_content()
    other = page.context.new_page()
    wire = Wire(other)
    told = set()
    for guess in (name, "nobody-has-this"):
        other.goto(f"{stage}/watch?id={guess}")
        expect(other.locator("#status")).to_have_text("This stream is no longer available.")
        text = other.locator("#text")
        expect(text).to_have_attribute("data-status", "interrupted")
        told.add(text.evaluate("node => node.outerHTML"))
    assert len(told) == 1
    press(page, "go 100")
    shows(page, words("w", 60))
    assert [frame for frame in wire.frames if "w0" in frame] == []


def test_fault_10_an_unknown_handle_shows_an_end_and_no_endless_wait(page, stage):
    page.goto(stage + "/watch?id=nobody-has-this")
    expect(page.locator("#status")).to_have_text("This stream is no longer available.")
    expect(page.locator("#text")).to_have_attribute("data-status", "interrupted")


@pytest.mark.complaints("WebSocket", "_event")
def test_a_cut_socket_goes_on_from_its_offset_nothing_twice_nothing_missing(page, stage):
    wire = Wire(page)
    start(page, stage)
    press(page, "go 10")
    shows(page, words("w", 10))
    wire.frames.clear()
    wire.cut()
    page.wait_for_function("document.querySelector('#text').dataset.status === 'streaming'")
    press(page, "go 100")
    shows(page, words("w", 60))
    shows(page, "D", "#match")
    assert len(wire.sockets) == 2
    text = "".join(
        op if isinstance(op, str) else op["a"]
        for op in wire.ops()
        if isinstance(op, str) or isinstance(op.get("a"), str)
    )
    assert text == words("w", 60)[len(words("w", 10)) :]  # exactly the rest


def test_a_fast_stream_is_few_frames_and_little_more_than_its_text(page, stage):
    wire = Wire(page)
    open_page(page, stage)
    shows(page, "nothing yet")
    wire.frames.clear()
    press(page, "quick")
    expected = words("q", 3000)
    shows(page, expected)
    shows(page, "D", "#match")
    ops = wire.ops()
    text = "".join(op if isinstance(op, str) else op.get("a", op.get("v", "")) for op in ops)
    assert text == expected
    received = sum(len(frame.encode()) for frame in wire.frames)
    assert received <= 1.3 * len(expected)


def test_only_the_streaming_message_renders(page, stage):
    page.add_init_script(RENDERS)
    wire = Wire(page)
    page.goto(stage + "/messages")
    press(page, "many")
    expect(page.locator(".message")).to_have_count(199)
    press(page, "one more")
    expect(page.locator(".message")).to_have_count(200)
    press(page, "go 1")
    shows(page, "m0 ", "#m199")
    page.evaluate("window.renders = {}")
    press(page, "go 10")
    shows(page, words("m", 11), "#m199")
    press(page, "go 100")
    shows(page, words("m", 40), "#m199")
    renders = page.evaluate("window.renders")
    assert renders.pop("m199") >= 2
    assert {name for name in renders if re.fullmatch(r"m\d+", name)} == set()
    # And the other 199 texts were not sent again with the list that grew by one.
    grown = [frame for frame in wire.frames if '"number":199' in frame]
    assert grown
    assert all("message 7 " not in frame for frame in grown)


def test_a_stream_that_the_page_has_dropped_is_asked_for_and_one_it_shows_is_kept(page, stage):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.clock.install()
    page.goto(stage + "/messages")
    press(page, "crowd")
    complete = """() => {
        const shown = [...document.querySelectorAll(".message > [data-status=done]")];
        return shown.length === 250
            && shown.every((each, n) => each.textContent === `message ${n} `.repeat(10));
    }"""
    page.wait_for_function(complete)
    press(page, "hide")
    expect(page.locator(".message")).to_have_count(0)
    page.clock.fast_forward(2000)  # now the page has tidied up
    sent.clear()
    press(page, "hide")
    page.wait_for_function(complete)
    (hello,) = [frame for frame in sent if "hello" in frame]
    assert hello.count('":0') == 50  # offsets of streams that it has nothing of

    page.reload()  # the handles come with their values now
    page.wait_for_function(complete)
    page.clock.fast_forward(2000)
    sent.clear()
    press(page, "one more")  # and now without them
    expect(page.locator(".message")).to_have_count(251)
    press(page, "go 100")
    shows(page, words("m", 40), "#m250")
    shows(page, "message 0 " * 10, "#m0")
    assert not [frame for frame in sent if "hello" in frame]


def test_a_copy_of_a_frozen_tab_takes_its_place_and_what_wakes_is_a_page_of_its_own(
    page, stage, context
):
    """Nobody can tell a tab that says nothing from one that is gone; its state is not lost."""
    open_page(page, stage)
    press(page, "click")
    shows(page, "1", "#clicks")
    token = page.evaluate("sessionStorage.token")
    browser = context.new_cdp_session(page)
    browser.send("Debugger.enable")
    browser.send("Debugger.pause")  # at whatever comes next, such as the question if it is there
    copy = context.new_page()
    copy.add_init_script(f"sessionStorage.token ??= {token!r}")
    open_page(copy, stage)
    shows(copy, "1", "#clicks")
    assert copy.evaluate("sessionStorage.token") == token
    browser.send("Debugger.disable")
    page.wait_for_function("token => sessionStorage.token !== token", arg=token)
    shows(page, "0", "#clicks")
    press(page, "click")
    shows(page, "1", "#clicks")
    press(copy, "click")
    shows(copy, "2", "#clicks")
    shows(page, "1", "#clicks")
