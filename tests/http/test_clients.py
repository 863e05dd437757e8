"""The clients that people have: curl, httpx, and a browser's ``EventSource`` and ``fetch``."""

import asyncio
import json
import subprocess
import threading
import time

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

import streamui as ui
from streamui.http.stream_response import close_responses, open_responses
from streamui.settings import settings
from streamui.store.store import store
from tests.http.serving import rebuilt, records, serving_in_thread, wait_until

pytestmark = pytest.mark.slow

PAGE = "<!doctype html><link rel='icon' href='data:,'><title>A page</title>"
WORDS = [f"{number} né\u2028🧑\u200d🚀\r\n" for number in range(60)]


class Requests:
    """The requests for streams that have come, by their ``Last-Event-ID``."""

    def __init__(self, app):
        self._app = app
        self.last_event_ids: list[str | None] = []

    async def __call__(self, scope, receive, send):
        if scope["path"].startswith("/streams/"):
            headers = {name.decode(): text.decode() for name, text in scope["headers"]}
            self.last_event_ids.append(headers.get("last-event-id"))
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def served():
    """A server with the streams, a page, and the routes of the tests; gives its address."""

    async def show(request):
        return HTMLResponse(PAGE)

    async def own(request):
        return OWN[request.path_params["name"]]()

    app = ui.routes()
    app.router.routes += [Route("/", show), Route("/own/{name}", own, methods=["GET", "POST"])]
    requests = Requests(Starlette.build_middleware_stack(app))
    with serving_in_thread(requests) as address:
        yield address, requests


@pytest.fixture
def address(served, monkeypatch):
    monkeypatch.setattr(settings, "client_retry", 0.05)
    served[1].last_event_ids.clear()
    return served[0]


OWN = {}
"""Endpoints as an app would write them: each makes a response."""


def writing(value, words=WORDS, pause=0.01):
    """Write a stream in a thread, and end it."""

    def write():
        for word in words:
            value.append(word)
            time.sleep(pause)
        value.done()

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def curl(*arguments):
    command = ["curl", "-sS", "-N", "--max-time", "20", *arguments]
    return subprocess.run(command, capture_output=True)


# -- curl and httpx ---------------------------------------------------------------------------


def test_curl_reads_a_stream_while_it_is_made(address):
    value = ui.StreamableValue("")
    process = subprocess.Popen(
        ["curl", "-sS", "-N", address + ui.stream_url(value)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    first = process.stdout.readline() + process.stdout.readline()
    assert first == b"retry: 50\n\n"
    writing(value).join()
    rest = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert rebuilt(records(rest)) == "".join(WORDS)
    assert len(records(rest)) > 5, "it came while it was made"


@pytest.mark.parametrize(
    ("accept", "kind"), [("text/event-stream", "sse"), ("application/x-ndjson", "ndjson")]
)
def test_curl_goes_on_where_it_was_cut(address, accept, kind):
    value = ui.StreamableValue("")
    url = address + ui.stream_url(value)
    writer = writing(value)
    cut = curl("-H", f"Accept: {accept}", "--max-time", "0.3", url)
    assert cut.returncode == 28, "out of time"
    had = records(cut.stdout.rpartition(b"\n\n" if kind == "sse" else b"\n")[0] + b"\n\n", kind)
    writer.join()
    rest = curl("-H", f"Accept: {accept}", "-H", f"Last-Event-ID: {had[-1]['offset']}", url)
    assert rest.returncode == 0
    said = had + records(rest.stdout, kind)
    assert rebuilt(said) == "".join(WORDS)
    assert not any("reset" in record for record in said)
    assert sum("status" in record for record in said) == 1


def test_curl_gets_plain_text_and_knows_whether_it_is_complete(address):
    whole = ui.StreamableValue("".join(WORDS)).done()
    done = curl("-H", "Accept: text/plain", address + ui.stream_url(whole))
    assert (done.returncode, done.stdout) == (0, "".join(WORDS).encode())
    broken = ui.StreamableValue("so far").error("No luck.")
    done = curl("-H", "Accept: text/plain", address + ui.stream_url(broken))
    assert (done.returncode, done.stdout) == (18, b"so far"), "18: the transfer broke off"


def test_curl_stops_a_stream(address):
    value = ui.StreamableValue("so far")
    url = address + ui.stream_url(value)
    done = curl("-X", "DELETE", "-w", "%{http_code}", url)
    assert done.stdout == b"204"
    wait_until(lambda: value.status == "cancelled")


def test_httpx_reads_events_lines_and_text(address):
    value = ui.StreamableValue("")
    url = address + ui.stream_url(value)
    writer = writing(value)
    with httpx.stream("GET", url, headers={"accept": "application/x-ndjson"}) as answer:
        lines = [json.loads(line) for line in answer.iter_lines() if line]
    writer.join()
    assert rebuilt(lines) == "".join(WORDS), "httpx takes U+2028 for a line end, if it sees one"
    assert rebuilt(records(httpx.get(url).content)) == "".join(WORDS)
    assert httpx.get(url, headers={"accept": "text/plain"}).text == "".join(WORDS)


# -- EventSource --------------------------------------------------------------------------------

# What docs/http.md shows: a text, whatever happens on the way.
READ = """
url => new Promise(resolve => {
  const seen = {text: "", end: null, messages: 0, opened: 0};
  const source = new EventSource(url);
  source.onopen = () => { seen.opened += 1; };
  source.onmessage = event => {
    const change = JSON.parse(event.data);
    if ("value" in change) seen.text = change.value;
    if ("append" in change) seen.text += change.append;
    seen.messages += 1;
  };
  for (const end of ["done", "error", "cancelled", "interrupted"])
    source.addEventListener(end, event => {
      if (event.data === undefined) return;  // the browser's own error: it connects again
      seen.end = JSON.parse(event.data);
      THEN;
    });
  source.addEventListener("error", event => {
    if (event.data === undefined && source.readyState === EventSource.CLOSED)
      resolve({...seen, closed: true});
  });
})
"""
AND_CLOSE = READ.replace("THEN", "source.close(); resolve(seen)")
AND_STAY = READ.replace("THEN", "")


@pytest.mark.browser
def test_an_event_source_reads_a_stream_to_its_end(address, served, page):
    page.goto(address)
    value = ui.StreamableValue("")
    writer = writing(value)
    seen = page.evaluate(AND_CLOSE, ui.stream_url(value))
    writer.join()
    assert seen["text"] == "".join(WORDS)
    assert seen["end"]["status"] == "done"
    assert seen["messages"] > 5
    assert served[1].last_event_ids == [None]


@pytest.mark.browser
@pytest.mark.parametrize("status", ["error", "cancelled", "interrupted"])
def test_an_event_source_hears_how_a_stream_has_ended(address, page, status):
    page.goto(address)
    value = ui.StreamableValue("so far")
    end = {"error": lambda: value.error("No luck."), "cancelled": value.cancel}
    end.get(status, value.interrupt)()
    seen = page.evaluate(AND_CLOSE, ui.stream_url(value))
    assert seen["text"] == "so far"
    assert seen["end"]["status"] == status
    assert seen["end"].get("error", {}).get("message") == {
        "error": "No luck.",
        "interrupted": "The answer was interrupted.",
    }.get(status)


@pytest.mark.browser
def test_an_event_source_that_is_left_open_is_told_that_there_is_no_more(address, served, page):
    page.goto(address)
    value = ui.StreamableValue("all").done()
    seen = page.evaluate(AND_STAY, ui.stream_url(value))
    assert seen["closed"]
    assert seen["text"] == "all"
    assert served[1].last_event_ids == [None, str(value.log.offset)], "once more, and 204"


@pytest.mark.browser
@pytest.mark.complaints("ERR_INCOMPLETE_CHUNKED_ENCODING")
def test_fault_02_an_event_source_that_is_cut_off_goes_on_by_itself(address, served, page):
    page.goto(address)
    value = ui.StreamableValue("")
    drops = 0

    def write():
        nonlocal drops
        for number, word in enumerate(WORDS):
            value.append(word)
            time.sleep(0.02)
            if number % 10 == 9:
                drops += len(open_responses)
                close_responses()
        wait_until(lambda: open_responses)
        value.done()

    writer = threading.Thread(target=write)
    writer.start()
    seen = page.evaluate(AND_CLOSE, ui.stream_url(value))
    writer.join()
    assert drops >= 3
    assert seen["text"] == "".join(WORDS)
    ids = served[1].last_event_ids
    assert len(ids) >= drops
    assert ids[1:] == sorted(ids[1:], key=int), "each time from where it was"


@pytest.mark.browser
@pytest.mark.complaints("status of 401", "ERR_INCOMPLETE_CHUNKED_ENCODING")
def test_fault_58_an_event_source_is_closed_for_good_when_its_link_expires(address, page):
    page.goto(address)
    value = ui.StreamableValue("so far")
    seen = page.evaluate(AND_CLOSE, ui.stream_url(value, expires=0.5))
    assert seen["closed"]
    assert (seen["text"], seen["end"]) == ("so far", None)
    assert value.streaming
    value.done()


@pytest.mark.browser
@pytest.mark.complaints("status of 404")
def test_an_event_source_gives_up_on_what_is_not_there(address, page):
    page.goto(address)
    assert page.evaluate(AND_CLOSE, "/streams/unknown")["closed"]


# -- fetch ------------------------------------------------------------------------------------


@pytest.mark.browser
def test_fetch_reads_with_the_pages_own_token_and_stops(address, page):
    page.goto(address)
    value = ui.StreamableValue("so far")
    store.add(value.id, value.log)
    store.grant(value.id, "the-token-of-the-page")
    said = page.evaluate(
        """async path => {
          const headers = {"Reflex-Client-Token": "the-token-of-the-page"};
          const answer = await fetch(path, {headers: {...headers, Accept: "application/x-ndjson"}});
          const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
          let text = "";
          for (;;) {
            const {done, value} = await reader.read();
            if (done) break;
            text += value;
            if (text.includes("so far") && !text.includes("status"))
              await fetch(path, {method: "DELETE", headers});
          }
          return text.trim().split("\\n").map(JSON.parse);
        }""",
        f"/streams/{value.id}",
    )
    assert rebuilt(said) == "so far"
    assert said[-1]["status"] == "cancelled"
    assert value.status == "cancelled"


# -- what people write today, against an endpoint of one line -----------------------------------


async def counting():
    yield {"type": "connected"}
    for count in range(3):
        await asyncio.sleep(0.02)
        yield {"type": "update", "count": count}


async def answering():
    for piece in ("Hel", "lo\u2028", "wör", "ld"):
        await asyncio.sleep(0.02)
        yield {"content": piece, "response": piece}


async def letters():
    for letter in "Text streaming, né? 🧑\u200d🚀":
        yield letter


OWN["counting"] = lambda: ui.sse_response(counting())
OWN["answering"] = lambda: ui.sse_response(answering(), done="[DONE]")
OWN["letters"] = lambda: ui.text_response(letters())
OWN["lines"] = lambda: ui.ndjson_response(answering())


@pytest.mark.browser
def test_a_plain_event_source_with_json_parse_and_nothing_more(address, page):
    page.goto(address)
    seen = page.evaluate(
        """url => new Promise(resolve => {
          const messages = [];
          const es = new EventSource(url);
          es.onmessage = e => messages.push(JSON.parse(e.data));
          es.onerror = () => { es.close(); resolve(messages); };
        })""",
        "/own/counting",
    )
    assert seen == [{"type": "connected"}, *({"type": "update", "count": n} for n in range(3))]


@pytest.mark.browser
def test_a_home_made_reader_of_data_lines_that_ends_at_done(address, page):
    page.goto(address)
    seen = page.evaluate(
        """async url => {
          const answer = await fetch(url, {method: "POST", body: "{}"});
          const reader = answer.body.getReader(), decoder = new TextDecoder();
          let buffer = "", reply = "", ended = false;
          for (;;) {
            const {done, value} = await reader.read();
            if (done) return {reply, ended};
            buffer += decoder.decode(value, {stream: true});
            const lines = buffer.split("\\n");
            buffer = lines.pop();
            for (const line of lines) {
              if (!line.startsWith("data: ")) continue;
              const data = line.slice(6);
              if (data === "[DONE]") ended = true;
              else reply += JSON.parse(data).response;
            }
          }
        }""",
        "/own/answering",
    )
    assert seen == {"reply": "Hello\u2028wörld", "ended": True}


@pytest.mark.browser
def test_a_reader_of_plain_text(address, page):
    page.goto(address)
    seen = page.evaluate(
        """async url => {
          const reader = (await fetch(url)).body.getReader(), decoder = new TextDecoder();
          let text = "";
          for (;;) {
            const {done, value} = await reader.read();
            if (done) return text + decoder.decode();
            text += decoder.decode(value, {stream: true});
          }
        }""",
        "/own/letters",
    )
    assert seen == "Text streaming, né? 🧑\u200d🚀"


def test_a_reader_of_lines(address):
    with httpx.stream("POST", address + "/own/lines") as answer:
        said = [json.loads(line) for line in answer.iter_lines() if line.strip()]
    assert "".join(each["content"] for each in said[:-1]) == "Hello\u2028wörld"
