"""``ui.event_source``: a foreign event stream in a page, on real connections."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.feed_server import FeedServer, wait_for

SOURCE = (Path(__file__).parent / "event_source_page.py").read_text()
# Chromium says it of every answer that is no event stream.
NO_CONTENT = "EventSource's response has a status 204"


@pytest.fixture(scope="module")
def stage(run_app):
    return run_app(SOURCE).url


@pytest.fixture
def feed(page):
    with FeedServer() as server:
        yield server
        page.goto("about:blank")  # or it would go on asking a server that is gone


def read(page, url):
    page.locator("input").fill(url)
    page.get_by_role("button", name="go").click()


def open_page(page, stage, url, path="/"):
    page.goto(stage + path)
    # A click before the page is hydrated would be lost.
    expect(page.locator("#count")).to_have_text("0")
    read(page, url)


def shows(page, name, text):
    expect(page.locator(f"#{name}")).to_have_text(text)


def test_messages_reach_their_handlers_and_nothing_is_drawn(page, stage, feed):
    open_page(page, stage, feed.url)
    connection = feed.next()
    assert (connection.last_event_id, connection.cookies) == ("", False)
    shows(page, "opened", "1")
    connection.send('data: {"a": "żółć \U0001f469\u200d\U0001f4bb"}\n\nid: 5\ndata: two\n\n')
    shows(page, "seen", 'message||{"a": "żółć \U0001f469\u200d\U0001f4bb"},message|5|two')
    connection.send("event: price\ndata: 42\n\nevent: other\ndata: nobody\n\ndata: three\n\n")
    shows(page, "price", "42")
    shows(page, "seen", re.compile(r"two,message\|5\|three$"))
    assert page.locator("#here").inner_html() == ""
    shows(page, "errors", "")


def test_unmounting_and_another_address_close_the_connection(page, stage, feed):
    open_page(page, stage, feed.url)
    first = feed.next()
    page.get_by_role("button", name="toggle").click()
    wait_for(lambda: first.closed_by_page)
    page.get_by_role("button", name="toggle").click()
    second = feed.next()

    read(page, f"{feed.url}/other")
    third = feed.next()
    wait_for(lambda: second.closed_by_page)
    assert third.path == "/events/other"
    third.send("data: from the third\n\n")
    shows(page, "seen", "message||from the third")

    read(page, "")
    wait_for(lambda: third.closed_by_page)
    page.goto("about:blank")
    assert len(feed.connections) == 3


def test_leaving_the_page_closes_the_connection(page, stage, feed):
    open_page(page, stage, feed.url)
    connection = feed.next()
    page.goto("about:blank")
    wait_for(lambda: connection.closed_by_page)


def test_an_ended_connection_goes_on_after_the_last_event(page, stage, feed):
    open_page(page, stage, feed.url)
    first = feed.next()
    first.send("retry: 10\nid: 7\ndata: one\n\n")
    shows(page, "seen", "message|7|one")
    first.end()
    second = feed.next()
    assert second.last_event_id == "7"
    second.send("id: 8\ndata: two\n\n")
    shows(page, "seen", "message|7|one,message|8|two")
    shows(page, "errors", "connection False")
    shows(page, "opened", "2")


@pytest.mark.complaints(NO_CONTENT)
def test_a_stream_that_is_closed_for_good_says_so(page, stage, feed):
    open_page(page, stage, feed.url)
    connection = feed.next()
    connection.send("retry: 10\n\n")
    feed.refusal = "204 No Content"
    connection.end()
    shows(page, "errors", "connection False,connection True")


@pytest.mark.complaints("EventSource's response has a MIME type", "CORS policy", "ERR_FAILED")
def test_what_is_no_event_stream_is_an_error(page, stage, feed):
    open_page(page, stage, f"{stage}/ping")
    shows(page, "errors", "connection True")
    read(page, "javascript:alert(1)")
    shows(page, "errors", "connection True,url True")


def test_a_flood_comes_in_few_lists_complete_and_in_order(page, stage, feed):
    open_page(page, stage, feed.url, "/fast")
    connection = feed.next()
    total = 3000
    for start in range(0, total, 100):
        connection.send("".join(f"event: token\ndata: {n}\n\n" for n in range(start, start + 100)))
    shows(page, "count", str(total))
    shows(page, "batched", " ".join(map(str, range(total))))
    assert int(page.locator("#calls").inner_text()) <= 100
    connection.send("event: error\ndata: a server's own error\n\n")
    shows(page, "batched", re.compile("a server's own error$"))
    shows(page, "errors", "")


def test_a_message_too_long_for_a_packet_is_an_error_and_the_page_stays_connected(
    page, stage, feed
):
    open_page(page, stage, feed.url, "/fast")
    connection = feed.next()
    for data in ("x" * 300_001, "€" * 190_000, "next"):
        connection.send(f"data: {data}\n\n")
    shows(page, "errors", "too_long False")
    shows(page, "batched", re.compile("^€{190000} next$"))
    assert len(feed.connections) == 1


def test_an_address_without_a_host_is_the_apps_own_server(page, stage):
    page.goto(f"{stage}/own-stream")
    shows(page, "seen", "message|9|after nothing")
