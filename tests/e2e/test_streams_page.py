"""The page of the live streams: what it shows, that it moves, stops, and ends with its tab."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.e2e.assistant_page import AssistantPage
from tests.e2e.test_assistant_connection import CUT, SOCKETS

SLOW = "Write 300 words about rivers at 10 words per second"


class StreamsPage:
    """A tab with the live streams in it."""

    def __init__(self, page, url):
        self.page, self.url = page, f"{url}/streams"
        self.table = page.get_by_role("table", name="Open streams")
        self.rows = self.table.get_by_role("rowgroup").nth(1).get_by_role("row")
        self.start = page.get_by_role("button", name="Start a stream")
        self.status = page.get_by_role("region", name="All streams").get_by_role("status")

    def open(self):
        self.page.goto(self.url)
        expect(self.status).to_be_visible()
        return self

    def row(self, place):
        return self.rows.filter(has_text=re.compile(place))

    def figure(self, name):
        term = self.page.get_by_role("term").filter(has_text=re.compile(f"^{name}$"))
        return term.locator("xpath=following-sibling::dd")

    def stop_all(self):
        """Stop whatever other tests have left running."""
        self.table.get_by_role("button").evaluate_all("all => all.forEach((each) => each.click())")
        expect(self.status).to_have_text("No stream is open")
        return self.open()  # a new look: without what has just ended


@pytest.fixture
def streams(page, app_server):
    return StreamsPage(page, app_server.url).open().stop_all()


def test_with_nothing_to_show_it_says_so_and_offers_a_beginning(streams, page):
    expect(page.get_by_role("heading", name="Nothing is streaming now")).to_be_visible()
    expect(streams.status).to_have_text("No stream is open")
    expect(page.get_by_role("link", name="ask the assistant something")).to_be_visible()
    streams.start.click()
    expect(streams.rows).to_have_count(1)
    expect(streams.status).to_have_text("1 stream is open")
    expect(page.get_by_role("heading", name="Nothing is streaming now")).to_have_count(0)


def test_another_tabs_answer_is_seen_as_it_is_made_and_stopped(streams, context, app_server):
    assistant = AssistantPage(context.new_page(), app_server.url).open()
    message = assistant.ask(SLOW)
    expect(streams.rows).to_have_count(2)  # the status and the answer
    answer = streams.rows.nth(1)
    expect(answer.get_by_role("rowheader")).to_contain_text("Assistant.ask")
    expect(answer.get_by_role("img")).to_have_accessible_name(re.compile(r"\b(9|1\d) per second"))
    expect(streams.figure("Data")).not_to_have_text("0 B/s")
    answer.get_by_role("button", name="Stop Assistant.ask").click()
    expect(answer).to_contain_text("Ended")  # for some seconds
    assistant.wait_for_end(message, "cancelled")
    expect(streams.rows).to_have_count(0, timeout=10_000)
    expect(streams.figure("Ended")).to_contain_text("stopped")


def test_the_plots_go_on_by_themselves_between_two_looks_of_the_server(streams, page):
    streams.start.click()
    line = streams.rows.first.locator("path.line")
    expect(line).to_have_attribute("d", re.compile(r"Q.*Q"))
    moved = page.evaluate("""async () => {
        const plot = document.querySelector("tbody svg");
        const places = [];
        for (let frame = 0; frame < 90; frame++) {
            await new Promise(requestAnimationFrame);
            places.push(new DOMMatrix(getComputedStyle(plot).transform).e);
        }
        return new Set(places).size;
    }""")
    assert moved > 20
    page.emulate_media(reduced_motion="reduce")
    assert page.locator("tbody svg").first.evaluate("e => e.getAnimations().length") == 0


def test_what_is_no_stream_of_the_app_does_not_count(streams, context):
    other = StreamsPage(context.new_page(), streams.url.removesuffix("/streams")).open()
    tick = streams.page.locator(".rate-plot.large svg")
    before = tick.get_attribute("class")
    expect(tick).not_to_have_class(before)  # the page itself is being streamed to
    for each in (streams, other):
        expect(each.status).to_have_text("No stream is open")
        expect(each.figure("Data")).to_have_text("0 B/s")


def test_it_ends_when_its_page_is_left_and_begins_again_with_it(page, app_server):
    came = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda each: came.append(each)))
    streams = StreamsPage(page, app_server.url).open().stop_all()
    streams.start.click()
    expect(streams.rows).to_have_count(1)
    page.reload()
    expect(streams.rows).to_have_count(1)
    came.clear()
    page.get_by_role("link", name="Assistant", exact=True).click()
    expect(AssistantPage(page, app_server.url).box).to_be_visible()
    deadline = time.monotonic() + 5
    while not any(re.search(r'"s":"(done|cancelled)"', str(each)) for each in came):
        assert time.monotonic() < deadline, "the board's stream goes on for a page that is left"
        page.wait_for_timeout(50)
    page.go_back()
    expect(streams.rows).to_have_count(1)
    expect(page.get_by_text("has ended")).to_have_count(0)


def test_the_assistant_leads_to_it_and_back(page, app_server):
    AssistantPage(page, app_server.url).open()
    page.get_by_role("link", name="Live streams").click()
    expect(page.get_by_role("heading", name="Live streams", level=2)).to_be_visible()
    expect(page).to_have_title("Live streams · streamui")
    page.get_by_role("link", name="Assistant", exact=True).click()
    expect(AssistantPage(page, app_server.url).box).to_be_visible()


def test_nothing_is_wider_than_the_page(streams, page):
    streams.start.click()
    expect(streams.rows).to_have_count(1)
    row = streams.rows.first
    for width in (360, 768, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        for element in ("document.documentElement", "document.querySelector('main')"):
            assert page.evaluate(f"{element}.scrollWidth <= {element}.clientWidth")
        row.scroll_into_view_if_needed()
        plot = row.locator(".rate-plot")
        for part in (row.get_by_role("button"), plot, row.get_by_role("rowheader")):
            expect(part).to_be_in_viewport(ratio=1)


def test_everything_can_be_done_with_the_keyboard_alone(streams, page):
    streams.start.focus()
    page.keyboard.press("Enter")
    expect(streams.rows).to_have_count(1)
    page.keyboard.press("Tab")
    stop = streams.rows.first.get_by_role("button")
    expect(stop).to_be_focused()
    assert stop.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
    page.keyboard.press("Enter")
    expect(streams.rows.first).to_contain_text("Ended")


@pytest.mark.complaints("WebSocket")
def test_a_backend_out_of_reach_is_said_and_the_view_goes_on_when_it_is_back(page, app_server):
    page.add_init_script(SOCKETS)
    streams = StreamsPage(page, app_server.url).open().stop_all()
    streams.start.click()
    expect(streams.rows).to_have_count(1)
    page.evaluate(f"window.down = true; {CUT}")
    alert = page.get_by_role("alert").filter(has_text="cannot be reached")
    expect(alert).to_be_visible(timeout=20_000)
    expect(streams.rows).to_have_count(1)  # how it was before
    page.evaluate("window.down = false")
    expect(alert).to_have_count(0, timeout=20_000)
    written = streams.rows.first.get_by_role("cell").nth(1)
    before = written.inner_text()
    expect(written).not_to_have_text(before)
    expect(page.get_by_text("has ended")).to_have_count(0)
