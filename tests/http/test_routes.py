"""``ui.routes()``: streams read and stopped over HTTP, on a real server."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

import streamui as ui
from streamui.errors import LimitError, StoreUnavailableError
from streamui.http.accept import choose
from streamui.http.forms import EventStream, Lines, PlainText
from streamui.http.site import site
from streamui.http.stream_response import open_responses
from streamui.server.draining import draining
from streamui.server.run import Run
from streamui.settings import settings
from streamui.store.store import store
from tests.http.serving import events, read_on, rebuilt, records, serving, until

pytestmark = pytest.mark.slow

PAGE = {"reflex-client-token": "the-page"}
NDJSON = {"accept": "application/x-ndjson"}
TEXT = {"accept": "text/plain"}
METHODS = "GET, HEAD, DELETE, OPTIONS"


def given(value):
    """The path of a stream that the page has been given."""
    store.add(value.id, value.log)
    store.grant(value.id, PAGE["reflex-client-token"])
    return f"/streams/{value.id}"


@pytest.fixture
async def client():
    async with serving(ui.routes()) as client:
        client.headers.update(PAGE)
        yield client


@pytest.fixture
def ended():
    return ui.StreamableValue("Hel").append("lo").done()


# -- reading --------------------------------------------------------------------------------


async def test_a_stream_that_has_ended_is_its_value_and_its_end(client, ended):
    answer = await client.get(given(ended))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text == (
        'retry: 2000\n\nid: 3\ndata: {"offset":3,"value":"Hello"}\n\n'
        'event: done\nid: 4\ndata: {"offset":4,"status":"done"}\n\n'
    )


async def test_a_stream_is_read_while_it_is_made(client):
    value = ui.StreamableValue("")
    path = given(value)

    async def produce():
        await until(lambda: open_responses)
        for word in ("one ", "two ", "three"):
            value.append(word)
            await asyncio.sleep(0.01)
        value.done()

    answers = [asyncio.create_task(client.get(path, headers=form)) for form in ({}, NDJSON, TEXT)]
    await produce()
    events, lines, text = [await answer for answer in answers]
    assert rebuilt(records(events.content)) == "one two three"
    assert rebuilt(records(lines.content, "ndjson")) == "one two three"
    assert text.text == "one two three"


@pytest.mark.parametrize("form", [{}, NDJSON, TEXT])
async def test_fault_62_streams_are_not_stored_sniffed_or_held_back(client, ended, form):
    answer = await client.get(given(ended), headers=form)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-accel-buffering"] == "no"


async def test_fault_62_refusals_are_not_stored_or_sniffed_either(client):
    answer = await client.get("/streams/unknown")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_head_request_gets_the_headers_of_the_stream_at_once(client):
    value = ui.StreamableValue("a")
    answer = await client.head(given(value))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (await client.head("/streams/unknown")).status_code == 404
    value.done()


# -- the form by Accept ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, EventStream),
        ("", EventStream),
        ("*/*", EventStream),
        ("text/event-stream", EventStream),
        ("application/x-ndjson", Lines),
        ("application/*", Lines),
        ("TEXT/PLAIN", PlainText),
        ("text/plain; charset=utf-8", PlainText),
        ("text/*", EventStream),
        ("text/plain, text/*;q=0.5", PlainText),
        ("text/event-stream;q=0.1, application/x-ndjson;q=0.9, text/plain;q=0.5", Lines),
        ("text/event-stream;q=0, */*", Lines),
        ("text/html, application/xhtml+xml, */*;q=0.8", EventStream),
        ("text/plain ; q = 0.2 , application/x-ndjson ; q=0.1", PlainText),
        ("text/event-stream;q=nonsense, text/plain;q=0.1", PlainText),
        ("text/html", None),
        ("image/png, application/json", None),
        ("*/*;q=0", None),
        ("text/event-stream;q=7", None),
        (", ;;, /", None),
    ],
)
def test_the_form_is_what_the_client_likes_best(accept, form):
    assert choose(accept, (EventStream, Lines, PlainText)) is form


def test_of_a_very_long_wish_the_beginning_counts():
    forms = EventStream, Lines, PlainText
    assert choose("text/html," * 31 + "text/plain", forms) is PlainText
    assert choose("text/html," * 32 + "text/plain", forms) is None
    parameters = ";a=b" * 500
    assert choose(f"text/plain{parameters};q=1, */*;q=0.5", forms) is PlainText
    # What is cut in two might mean something else: here it would be refused.
    cut = "*/*, text/event-stream".ljust(2044) + ";q=0.5"
    assert choose(cut, forms) is EventStream


async def test_a_form_that_there_is_not_is_said_with_those_that_there_are(client, ended):
    answer = await client.get(given(ended), headers={"accept": "text/html"})
    assert answer.status_code == 406
    assert answer.json() == {
        "code": "accept",
        "message": "There is text/event-stream, application/x-ndjson, text/plain.",
    }


async def test_what_is_no_text_has_no_text_form(client):
    value = ui.StreamableValue({"a": 1}).done()
    answer = await client.get(given(value), headers=TEXT)
    assert answer.status_code == 406
    assert "text/plain" not in answer.json()["message"]


# -- going on -------------------------------------------------------------------------------


async def test_the_header_says_what_the_client_has_and_wins_over_the_query(client, ended):
    path = given(ended)
    at_2 = {"last-event-id": "2"}
    by_query = records((await client.get(path, params={"offset": 2})).content)
    by_header = records((await client.get(path, params={"offset": 1}, headers=at_2)).content)
    assert by_query == by_header
    assert by_query == [{"offset": 3, "append": "o"}, {"offset": 4, "status": "done"}]


async def test_fault_09_resuming_after_the_end_gives_the_value_and_the_end_or_nothing_more(
    client, ended
):
    path, last = given(ended), ended.log.offset
    for headers in ({}, {"last-event-id": "1"}, {"last-event-id": str(last - 1)}):
        said = records((await client.get(path, headers=headers)).content)
        assert said[-1] == {"offset": last, "status": "done"}
    # One that has heard the end: an EventSource connects again, and this tells it not to.
    answer = await client.get(path, headers={"last-event-id": str(last)})
    assert (answer.status_code, answer.content) == (204, b"")
    # Anybody else is told the end again.
    for options in (
        {"params": {"offset": last}},
        {"headers": {"last-event-id": str(last), **NDJSON}},
    ):
        answer = await client.get(path, **options)
        assert records(answer.content, answer.headers["content-type"]) == [
            {"offset": last, "status": "done"}
        ]


@pytest.mark.parametrize(
    "offset", ["-1", "9" * 17, "9" * 5000, "abc", "1;2", "0x10", "1.0", "1e9", "NaN", "null", "+1"]
)
async def test_fault_60_what_is_no_offset_is_400(client, ended, offset):
    path = given(ended)
    for options in ({"headers": {"last-event-id": offset}}, {"params": {"offset": offset}}):
        answer = await client.get(path, **options)
        assert answer.status_code == 400
        assert answer.json()["code"] == "protocol"


@pytest.mark.parametrize("offset", ["1\r\nid: 7", "1\0", " \n"])
async def test_fault_60_an_injected_offset_is_400_and_comes_back_nowhere(client, ended, offset):
    answer = await client.get(given(ended), params={"offset": offset})
    assert answer.status_code == 400
    assert "id: 7" not in answer.text
    assert "id: 7" not in str(answer.headers)


async def test_fault_60_an_offset_that_was_never_given_is_a_reset(client, ended):
    for offset in ("77", "9" * 16):
        answer = await client.get(given(ended), headers={"last-event-id": offset})
        said = records(answer.content)
        assert said[0]["reset"]
        assert rebuilt(said, "whatever it had") == "Hello"


async def test_plain_text_has_no_offsets(client, ended):
    answer = await client.get(given(ended), headers={**TEXT, "last-event-id": "2"})
    assert answer.status_code == 400


# -- stopping -------------------------------------------------------------------------------


async def running_function():
    """A run that would go on for ever, and its stream."""
    values = []

    async def function():
        value = ui.StreamableValue("so far")
        values.append(value)
        while True:
            yield
            await asyncio.sleep(0.01)

    async def emit(_):
        pass

    run = Run("ask", "the-page")
    task = asyncio.create_task(run.drive(function, emit))
    await until(lambda: values)
    return run, task, values[0]


async def test_delete_stops_the_run_and_every_reader_hears_it(client):
    run, task, value = await running_function()
    path = given(value)
    reading = asyncio.create_task(client.get(path))
    await until(lambda: open_responses)
    answer = await client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    await task
    assert run.status == "cancelled"
    said = records((await reading).content)
    assert [said[0]["value"], said[-1]["status"]] == ["so far", "cancelled"]


async def test_fault_38_stopping_twice_or_after_the_end_is_harmless(client, ended):
    _, task, value = await running_function()
    for path in (given(value), given(ended)):
        for _ in range(3):
            assert (await client.delete(path)).status_code == 204
    await task
    assert (value.status, ended.status) == ("cancelled", "done")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_there_is_nothing_else_to_do_with_a_stream(client, ended, method):
    answer = await client.request(method, given(ended), content=b"x" * 100_000)
    assert answer.status_code == 405
    assert answer.headers["allow"] == METHODS
    assert answer.json()["code"] == "method"


# -- what goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreUnavailableError("redis://:secret@host"), 503, "unavailable"),
        (LimitError("connections", 5, retry_after=2.5), 429, "limit"),
        (RuntimeError("secret"), 500, "internal"),
    ],
)
async def test_a_failure_is_a_code_and_a_sentence_and_no_traceback(
    client, ended, monkeypatch, error, status, code
):
    async def fail(_):
        raise error

    path = given(ended)
    monkeypatch.setattr(store, "open", fail)
    for method in ("GET", "DELETE"):
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert answer.json()["code"] == code
        assert answer.json()["message"].endswith(".")
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
    assert answer.headers.get("retry-after") == {503: "1", 429: "3"}.get(status)


@pytest.mark.parametrize(
    "name", ["a" * 65, "a" * 5_000, "a%00b", "a%0d%0ab", "%f0%9f", "a.b", "..."]
)
async def test_fault_29_an_id_that_none_can_be_is_not_found(client, name):
    answer = await client.get(f"/streams/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "lost"


# -- where it is ----------------------------------------------------------------------------


@pytest.fixture
def prefix(monkeypatch):
    monkeypatch.setattr(site, "prefix", site.prefix)  # put back afterwards
    monkeypatch.setattr(site, "_address", lambda: "")  # other tests may have loaded Reflex


@pytest.mark.parametrize("written", ["/api/streams", "api/streams/", "/api/streams/"])
async def test_streams_can_be_served_elsewhere_and_links_say_so(ended, prefix, written):
    async with serving(ui.routes(written)) as client:
        url = ui.stream_url(ended)
        assert url.startswith(f"/api/streams/{ended.id}?token=")
        assert rebuilt(records((await client.get(url)).content)) == "Hello"
    with pytest.raises(ui.NotStreamableError):
        ui.stream_url("text")  # pyright: ignore[reportArgumentType]


async def test_other_paths_are_left_to_the_app_below(ended):
    app = ui.routes()
    app.mount("", PlainTextResponse("the app"))
    async with serving(app) as client:
        for path in ("/", "/ping", "/streams", "/streams/", f"/streams/{ended.id}/more"):
            assert (await client.get(path)).text == "the app"
    inner = Starlette(routes=[Mount("/inner", ui.routes())])
    async with serving(inner) as client:
        answer = await client.get(f"/inner{given(ended)}", headers=PAGE)
        assert rebuilt(records(answer.content)) == "Hello"


async def test_fault_23_a_response_that_was_closed_can_be_gone_on_with(client):
    value = ui.StreamableValue("a")
    path = given(value)
    async with client.stream("GET", path) as answer:
        reads = asyncio.create_task(read_on(answer))
        await until(lambda: open_responses)
        for response in list(open_responses):
            response.close()
        body, proper = await reads
    assert not proper, "its stream goes on"
    assert "status" not in str(records(body))
    value.append("b").done()
    seen = events(body)[-1].id if events(body) else ""
    said = records((await client.get(path, headers={"last-event-id": seen})).content)
    assert rebuilt(records(body) + said) == "ab"
    assert not any("reset" in record for record in said)


async def test_fault_15_a_process_that_ends_breaks_off_what_can_be_gone_on_with_elsewhere(client):
    value = ui.StreamableValue("a")
    path = given(value)

    async def read(form):
        async with client.stream("GET", path, headers=form) as answer:
            return await read_on(answer), answer.headers["content-type"]

    reads = [asyncio.create_task(read(form)) for form in ({}, NDJSON)]
    await until(lambda: len(open_responses) == 2)
    try:
        async with asyncio.timeout(5):
            await draining.drain()
            # One that comes in the last moment gets what there is, and comes back for the rest.
            answers = [await each for each in (*reads, read({}))]
    finally:
        draining.reset()
    for (body, proper), kind in answers:
        assert records(body, kind) == [{"offset": 1, "value": "a"}]
        assert not proper
    value.append("b").done()
    said = records((await client.get(path, headers={"last-event-id": "1"})).content)
    assert rebuilt(said, "a") == "ab"


async def test_signs_of_life_come_while_nothing_does(client, monkeypatch):
    monkeypatch.setattr(settings, "heartbeat", 0.02)
    value = ui.StreamableValue("a")
    async with client.stream("GET", given(value), headers=NDJSON) as answer:
        said = []
        async for line in answer.aiter_lines():
            said.append(line)
            if said.count("") == 3:
                break
    assert [json.loads(line) for line in said if line] == [{"offset": 1, "value": "a"}]
    value.done()


async def test_an_event_stream_says_when_to_come_back(client, ended, monkeypatch):
    monkeypatch.setattr(settings, "client_retry", 0.25)
    answer = await client.get(given(ended))
    assert answer.text.startswith("retry: 250\n\n")
    assert len(events(answer.content)) == 2
