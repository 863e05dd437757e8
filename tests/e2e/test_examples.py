"""Each example runs as it stands, without a key."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def start(run_app, page, name):
    page.goto(run_app((EXAMPLES / name).read_text()).url)
    # A click before the page is hydrated would be lost.
    page.wait_for_function("document.querySelector('[data-status]')?.dataset.status === 'done'")


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_a_value_that_grows(run_app, page):
    page.goto(run_app((EXAMPLES / "01_hello.py").read_text()).url)
    press(page, "Count")
    expect(page.get_by_text("1 2 3 4 5")).to_be_visible()
    press(page, "Stop")
    expect(page.get_by_text("cancelled")).to_be_visible()
    expect(page.get_by_role("button", name="Count")).to_be_enabled()


def test_a_models_answer(run_app, page):
    start(run_app, page, "02_ask.py")
    page.get_by_role("textbox").fill("Write 20 words about lakes at 0 words per second")
    press(page, "Ask")
    expect(page.get_by_text("response.completed")).to_be_visible()
    expect(page.get_by_text("lake").first).to_be_visible()


def test_an_object_whose_fields_change(run_app, page):
    start(run_app, page, "03_progress.py")
    press(page, "Start")
    expect(page.get_by_role("heading", name="thinking")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute(
        "aria-valuenow", re.compile(r"^[2-9]\d$")
    )
    press(page, "Stop")
    expect(page.get_by_text("Stopped")).to_be_visible()


def test_a_table_that_grows(run_app, page):
    page.goto(run_app((EXAMPLES / "04_table.py").read_text()).url)
    press(page, "Measure")
    expect(page.get_by_role("row").nth(6)).to_be_visible()
    press(page, "Stop")


def test_a_search_whose_last_word_wins(run_app, page):
    start(run_app, page, "05_latest_wins.py")
    page.get_by_placeholder("Find a river").press_sequentially("nil", delay=20)
    expect(page.get_by_text("Nile")).to_be_visible()
    expect(page.get_by_text("Congo")).to_have_count(0)


def test_calls_that_wait_and_say_so(run_app, page):
    page.goto(run_app((EXAMPLES / "06_queue.py").read_text()).url)
    press(page, "Order")
    press(page, "Order")
    expect(page.get_by_text("waiting for the stove")).to_be_visible()
    press(page, "Stop the one that cooks")
    expect(page.get_by_text("Stopped")).to_be_visible()
    expect(page.get_by_text("waiting for the stove")).to_have_count(0)


def test_a_stream_that_other_clients_read_and_stop(run_app, page):
    server = run_app((EXAMPLES / "08_http_streams.py").read_text())
    page.goto(server.url)
    page.wait_for_function("document.querySelector('[data-status]')?.dataset.status === 'done'")
    press(page, "Ask")
    expect(page.get_by_text("river").first).to_be_visible()
    path = re.search(r"'(.*)'", page.locator("code").text_content() or "")
    assert path is not None
    url = f"http://localhost:{server.port}{path[1]}"
    with httpx.stream("GET", url, headers={"accept": "text/event-stream"}) as answer:
        lines = answer.iter_lines()
        assert any("river" in line for line in lines)
        assert httpx.delete(url).status_code == 204
        assert "event: cancelled" in list(lines)
    expect(page.get_by_text("Stopped")).to_be_visible()
    question = b"Write 20 words about lakes at 0 words per second"
    asked = httpx.post(f"http://localhost:{server.port}/ask", content=question)
    assert "lake" in asked.text


def test_streaming_without_a_page():
    done = subprocess.run(
        [sys.executable, EXAMPLES / "07_plain_python.py"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.count("complete after") == 2
    assert done.stderr == ""


def test_event_streams_that_others_send(run_app, page):
    start(run_app, page, "09_read_an_event_stream.py")
    expect(page.get_by_text(re.compile(r"says \d\d:\d\d:\d\d$"))).to_be_visible()
    press(page, "Ask")
    expect(page.get_by_text(re.compile(r"river.*\.$", re.I | re.S)).last).to_be_visible()


def test_a_model_that_calls_a_function(run_app, page):
    start(run_app, page, "10_stream_text.py")
    press(page, "Ask")
    expect(page.get_by_text(re.compile(r"^roll_dice: \[\d, \d, \d\], \d+ tokens$"))).to_be_visible()
    page.get_by_role("textbox").fill("Write 5 words about luck flat out")
    press(page, "Ask")
    expect(page.get_by_text(re.compile(r"^asking, \d+ tokens$"))).to_be_visible()
    expect(page.get_by_text("luck").first).to_be_visible()


def test_an_object_that_a_model_fills(run_app, page):
    start(run_app, page, "11_stream_object.py")
    page.get_by_role("textbox").fill("Lasagne at 400 words per second")
    press(page, "Cook")
    expect(page.get_by_role("heading", name="Lasagne")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("listitem").first).not_to_have_text("")
    expect(page.get_by_text(re.compile(r"^\d+ minutes in all$"))).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_is_under_60_lines_and_in_the_list(example):
    assert len(example.read_text().splitlines()) < 60
    assert example.name in (EXAMPLES / "README.md").read_text()
