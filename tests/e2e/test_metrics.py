"""The metrics of a real app: scraped beside its page, with a browser on it."""

import urllib.request

import pytest
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families as parse

SOURCE = """
import asyncio
import reflex as rx
import streamui as ui

class Stage(rx.State):
    text: ui.StreamableValue[str] = ui.StreamableValue("nothing").done()

    @ui.server_function
    async def ask(self):
        text = ui.StreamableValue("")
        async with self:
            self.text = text
        for word in "one two three four".split():
            text.append(word + " ")
            yield
            await asyncio.sleep(0.1)

def index():
    return rx.el.main(ui.text(Stage.text), rx.button("Ask", on_click=Stage.ask))

# A page at the address below which streams are served, as the demo app has one.
app = rx.App(api_transformer=[ui.routes(), ui.metrics_routes()])
app.add_page(index, route="/streams")
"""


@pytest.fixture(scope="module")
def server(run_app):
    return run_app(SOURCE)


def scrape(server):
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name.removeprefix("streamui_"), *sorted(sample.labels.values())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def test_an_app_counts_its_pages_frames_runs_and_streams(page, server):
    before = scrape(server)
    assert before["pages_connected",] == 0
    page.goto(f"{server.url}/streams")
    expect(page.get_by_text("nothing")).to_be_visible()
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("one two three four")).to_be_visible()
    deadline = 100
    while (found := scrape(server)).get(
        ("runs_ended_total", "", "done", "page.page.Stage.ask")
    ) != 1:
        deadline -= 1
        assert deadline, found
        page.wait_for_timeout(50)
    function = "page.page.Stage.ask"
    assert found["pages_connected",] == 1
    assert found["streams_started_total", function] == 1
    assert found["stream_chunks_total", function] == 4
    assert found["stream_bytes_total", function] == len("one two three four ")
    assert found["stream_first_chunk_seconds_count", function] == 1
    assert found["streams_open", function] == 0
    assert found["frames_total",] - before["frames_total",] >= 4
    assert found["frame_bytes_total",] > 50
