"""A streamable as a response: from any offset, merged for who is slow, to exactly one end."""

import asyncio
import json
import random
import threading
import time

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import streamui as ui
from streamui.http.stream_response import close_responses, open_responses
from streamui.server.run import Run
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.base import find_log
from streamui.streamable.json_value import clean_text
from tests.http.serving import (
    answering,
    events,
    rebuilt,
    records,
    serving,
    serving_in_thread,
    until,
)
from tests.http.test_responses import SCOPE, SlowClient, forever, get, reading, settled
from tests.http.test_responses_encoding import NASTY

pytestmark = pytest.mark.slow

ENDS = {
    "done": lambda value: value.done(),
    "error": lambda value: value.error("No luck."),
    "cancelled": lambda value: value.cancel(),
    "interrupted": lambda value: value.interrupt(),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.001)


# -- what is written ------------------------------------------------------------------------


async def test_a_value_then_what_is_appended_then_its_end():
    value = ui.StreamableValue("Hel")
    async with serving(answering(lambda: ui.sse_response(value))) as client:
        async with reading(client) as response:
            lines = response.aiter_lines()
            await take(lines, '"value":"Hel"')
            value.append("lo")
            await take(lines, '"append":"lo"')
            value.done()
            await take(lines, '"status":"done"')
    whole = await get(ui.sse_response(value))
    assert whole.text == (
        'retry: 2000\n\nid: 3\ndata: {"offset":3,"value":"Hello"}\n\n'
        'event: done\nid: 4\ndata: {"offset":4,"status":"done"}\n\n'
    )


async def take(lines, text):
    async for line in lines:
        if text in line:
            return
    raise AssertionError(f"{text} never came")


@pytest.mark.parametrize("respond", [ui.sse_response, ui.ndjson_response])
@pytest.mark.parametrize("status", ENDS)
async def test_every_stream_has_exactly_one_end_and_it_says_how(status, respond):
    live, ended = ui.StreamableValue("a"), ENDS[status](ui.StreamableValue("a"))
    for value in (live, ended):
        response = respond(value)
        asyncio.get_running_loop().call_later(0.05, lambda: live.closed or ENDS[status](live))
        answer = await get(response)
        said = records(answer.content, answer.headers["content-type"])
        assert [record["status"] for record in said if "status" in record] == [status]
        assert said[-1]["status"] == status
        assert rebuilt(said) == "a"
        assert said[-1].get("error", {}).get("message") == {
            "error": "No luck.",
            "interrupted": "The answer was interrupted.",
        }.get(status)
    if respond is ui.sse_response:
        assert events(answer.content)[-1].event == status


@pytest.mark.parametrize("status", ENDS)
async def test_text_ends_properly_only_when_it_is_complete(status):
    value = ENDS[status](ui.StreamableValue("all of it"))
    if status == "done":
        assert (await get(ui.text_response(value))).text == "all of it"
    else:
        with pytest.raises(httpx.RemoteProtocolError):
            await get(ui.text_response(value))


async def test_text_that_is_replaced_after_it_was_sent_breaks_off():
    value = ui.StreamableValue("first")
    async with serving(answering(lambda: ui.text_response(value))) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with reading(client) as response:
                async for chunk in response.aiter_text():
                    assert chunk == "first"
                    value.update("other")


async def test_fault_31_what_came_before_an_error_is_kept(caplog):
    value = ui.StreamableValue("partial").error(RuntimeError("sk-12345678"))
    said = records((await get(ui.sse_response(value))).content)
    assert [said[0]["value"], said[1]["error"]["code"]] == ["partial", "internal"]
    assert "sk-" not in str(said)


async def test_a_value_that_was_never_set_is_only_its_end():
    said = records((await get(ui.sse_response(ui.StreamableValue().done()))).content)
    assert said == [{"offset": 1, "status": "done"}]
    said = records((await get(ui.sse_response(ui.StreamableValue(None).done()))).content)
    assert said[0] == {"offset": 1, "value": None}


async def test_objects_and_lists_travel_as_what_changed():
    value = ui.StreamableValue({"step": "a" * 50, "items": [1]})
    async with serving(answering(lambda: ui.ndjson_response(value))) as client:
        async with reading(client) as response:
            said = []
            async for line in response.aiter_lines():
                said.append(json.loads(line))
                if len(said) == 1:
                    value.update({"step": "a" * 50 + "b", "items": [1]})
                elif len(said) == 2:
                    value.update({"step": "a" * 50 + "b", "items": [1, 2]}).done()
    assert said[1]["patches"] == [[["step"], "+", "b"]]
    assert said[2]["patches"] == [[["items"], "+", [2]]]
    assert rebuilt(said) == value.value


async def test_a_handle_is_as_good_as_its_streamable():
    value = ui.StreamableValue("a")
    store.add(value.id, value.log)
    handle = value.handle()
    value.append("b").error("No luck.")
    for source in (handle, value.handle()):
        said = records((await get(ui.ndjson_response(source))).content, "ndjson")
        assert rebuilt(said) == "ab"
        assert said[-1]["error"]["message"] == "No luck."


async def test_a_handle_that_nobody_knows_is_not_found():
    answer = await get(ui.sse_response({"$stream": "nobody-knows-this-one"}))
    assert answer.status_code == 404
    assert answer.json()["code"] == "lost"


async def test_a_handle_whose_value_the_page_holds_is_looked_up_here():
    value = ui.StreamableValue("a text that no page is sent twice").done()
    store.add(value.id, value.log)
    handle = {"$stream": value.id, "status": "done", "held": 1}  # as a page has it
    async with serving(answering(lambda: ui.sse_response(handle))) as client:
        assert rebuilt(records((await client.get("/")).content)) == value.value


@pytest.mark.parametrize(
    "wrong", [{"status": "bogus"}, {"status": "done", "value": float("nan")}], ids=str
)
async def test_a_handle_that_none_can_be_is_refused_and_ends_nothing_in_words_of_its_own(wrong):
    handle = {"$stream": "a", **wrong}
    async with serving(answering(lambda: ui.ndjson_response(handle))) as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    assert answer.json()["code"] in ("not_streamable", "not_json")


async def test_a_live_streamable_in_a_value_can_be_found_by_its_handle():
    inner = ui.StreamableValue("inside")
    said = records((await get(ui.sse_response(ui.StreamableValue([inner]).done()))).content)
    assert said[0]["value"] == [{"$stream": inner.id}]
    assert find_log(inner.id) is inner.log
    inner.done()


# -- from any offset ------------------------------------------------------------------------


async def test_every_offset_gives_exactly_the_rest():
    value = ui.StreamableValue("a").append("bcd").update("abcdef").append("é🧑‍🚀").done()
    whole = records((await get(ui.sse_response(value))).content)
    assert rebuilt(whole) == value.value
    last = value.log.offset
    for offset in range(1, last):
        text = value.value[:offset]  # the first character was set in one op, at offset 1
        answer = await get(ui.sse_response(value, offset=str(offset)))
        said = records(answer.content)
        assert rebuilt(said, text) == value.value
        assert not any("value" in record or "reset" in record for record in said)
        ids = [int(event.id) for event in events(answer.content)]
        assert ids == [record["offset"] for record in said]
    said = records((await get(ui.sse_response(value, offset=last))).content)
    assert said == [{"offset": last, "status": "done"}], "its end is told again"


async def test_fault_10_an_offset_that_was_never_given_is_an_explicit_reset():
    value = ui.StreamableValue("abc").update("xyz").done()
    for offset in (99, 2**50):
        said = records((await get(ui.sse_response(value, offset=offset))).content)
        assert said[0] == {"offset": 2, "value": "xyz", "reset": True}
        assert said[-1]["status"] == "done"
    said = records((await get(ui.sse_response(value, offset=1))).content)
    assert said[0]["reset"], "what it had at 1 is void"
    empty = ui.StreamableValue().done()
    said = records((await get(ui.sse_response(empty, offset=5))).content)
    assert said == [{"offset": 0, "reset": True}, {"offset": 1, "status": "done"}]


@pytest.mark.parametrize("offset", ["-1", "1.5", "x", "1e3", "٣", "1\n", "9" * 17, -1, True])
async def test_fault_60_what_is_no_offset_is_refused(offset):
    answer = await get(ui.sse_response(ui.StreamableValue("a").done(), offset=offset))
    assert answer.status_code == 400
    assert answer.json() == {"code": "protocol", "message": "This request cannot be understood."}


async def test_fault_01_a_connection_cut_at_every_byte_ends_with_the_same_text():
    value = (
        ui.StreamableValue("").append("Ein Weg, zwei Ufer: ").append("né\u2028 🧑‍🚀\r\n\0.").done()
    )
    whole = (await get(ui.sse_response(value))).content
    async with serving(answering(lambda: ui.sse_response(value, offset=offset))) as client:
        for cut in range(len(whole) + 1):
            before = events(whole[:cut])
            offset = before[-1].id if before else None
            had = [event.json() for event in before]
            if any("status" in record for record in had):
                continue
            said = had + records((await client.get("/")).content)
            assert rebuilt(said) == value.value
            assert [record["status"] for record in said if "status" in record] == ["done"]


async def test_a_long_text_goes_in_pieces_that_can_be_resumed():
    value = ui.StreamableValue("é" * 300_000).append("x" * 100_000).done()
    answer = await get(ui.sse_response(value))
    said = records(answer.content)
    assert rebuilt(said) == value.value
    pieces = [record.get("value", record.get("append", "")) for record in said]
    assert max(map(len, pieces)) <= 65_536
    middle = said[2]["offset"]
    rest = records((await get(ui.sse_response(value, offset=middle))).content)
    assert not any("reset" in record for record in rest)
    assert rebuilt(said[:3] + rest) == value.value


async def test_fault_02_random_drops_on_a_live_stream_lose_and_double_nothing():
    chance = random.Random(7)
    value = ui.StreamableValue("")
    words = [f"{number} né\u2028🙂\r\n" for number in range(150)]

    async def produce():
        for word in words:
            value.append(word)
            await asyncio.sleep(0.002)
        value.done()

    said: list[dict] = []
    async with serving(answering(lambda: ui.ndjson_response(value, offset=offset))) as client:
        producing = asyncio.create_task(produce())
        drops = 0
        while not said or "status" not in said[-1]:
            offset = said[-1]["offset"] if said else None
            stop = chance.randrange(1, 12)
            async with reading(client) as response:
                async for line in response.aiter_lines():
                    said.append(json.loads(line))
                    stop -= 1
                    if not stop:
                        drops += 1
                        break
        await producing
    assert drops >= 5
    assert rebuilt(said) == "".join(words)
    assert sum("status" in record for record in said) == 1
    assert not any("reset" in record for record in said)


# -- as fast as the client reads -------------------------------------------------------------


async def test_fault_22_a_slow_reader_gets_fewer_and_larger_changes():
    value = ui.StreamableValue("")
    slow = 0.0
    sent: list[bytes] = []

    async def send(message):
        sent.append(message.get("body", b""))
        await asyncio.sleep(slow)

    response = asyncio.create_task(ui.ndjson_response(value)(SCOPE, forever, send))
    await until(lambda: any(b"offset" in body for body in sent))
    slow = 0.1
    for number in range(300):
        value.append(f"{number} ")
        await asyncio.sleep(0.001)
    slow = 0.0
    value.done()
    await response
    said = records(b"".join(sent), "ndjson")
    assert len(said) < 30
    assert rebuilt(said) == value.value


async def test_changes_come_no_faster_than_frames_do(monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.1)
    value = ui.StreamableValue("")
    async with serving(answering(lambda: ui.ndjson_response(value))) as client:
        read = asyncio.create_task(client.get("/"))
        await until(lambda: open_responses)
        begun = time.monotonic()
        for number in range(200):
            value.append(f"{number} ")
            await asyncio.sleep(0.002)
        value.done()
        said = records((await read).content, "ndjson")
    assert len(said) <= (time.monotonic() - begun) / 0.1 + 4
    assert rebuilt(said) == value.value


async def test_the_first_words_do_not_wait_behind_the_emptiness_before_them(monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 60.0)
    value = ui.StreamableValue("")
    async with serving(answering(lambda: ui.ndjson_response(value))) as client:
        async with reading(client) as response:
            lines = response.aiter_lines()
            assert json.loads(await anext(lines))["value"] == ""
            value.append("Hello")
            async with asyncio.timeout(10):
                assert json.loads(await anext(lines))["append"] == "Hello"
    value.done()


async def test_fault_23_a_reader_that_never_reads_costs_a_cursor_and_can_come_back(monkeypatch):
    monkeypatch.setattr(settings, "send_timeout", 0.3)
    monkeypatch.setattr(settings, "value_bytes", 0)
    value = ui.StreamableValue("")
    sent = 0

    def counted(app):
        async def outer(scope, receive, send):
            async def count(message):
                nonlocal sent
                await send(message)
                sent += len(message.get("body", b""))

            await app(scope, receive, count)

        return outer

    async with serving(counted(answering(lambda: ui.sse_response(value, offset=offset)))) as client:
        offset = None
        async with SlowClient(client) as slow:
            await until(lambda: open_responses)
            for _ in range(400):
                value.append("x" * 65_536)
                await asyncio.sleep(0)
            await settled(lambda: sent)
            assert sent < 12_000_000, "what it does not read is in the log, once"
            await until(lambda: not open_responses)
            assert value.log._listeners == (), "its cursor is gone"
            body = b""
            while piece := await slow.take():
                body += piece
        assert value.streaming, "its run is none of its business"
        value.done()
        got = events(_unchunked(body))
        offset = got[-1].id
        rest = records((await client.get("/")).content)
    assert rebuilt([*(event.json() for event in got), *rest]) == value.value
    assert not any("reset" in record for record in rest)


def _unchunked(raw):
    body = raw.partition(b"\r\n\r\n")[2]
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        whole, body = whole + body[:length], body[length + 2 :]
    return whole


async def test_fault_27_a_silent_streamable_has_signs_of_life(monkeypatch):
    monkeypatch.setattr(settings, "heartbeat", 0.02)
    value = ui.StreamableValue("a")
    async with serving(answering(lambda: ui.sse_response(value))) as client:
        async with reading(client) as response:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if body.count(b": keep-alive\n\n") >= 5 and value.streaming:
                    value.append("b").done()
    assert rebuilt(records(body)) == "ab"


async def test_fault_39_a_client_that_leaves_does_not_stop_the_run():
    values = []

    async def function():
        value = ui.StreamableValue("")
        values.append(value)
        for number in range(40):
            value.append(f"{number} ")
            yield
            await asyncio.sleep(0.005)

    async def emit(_):
        pass

    run = Run("count", "page")
    running = asyncio.create_task(run.drive(function, emit))
    await until(lambda: values)
    async with serving(answering(lambda: ui.sse_response(values[0]))) as client:
        for _ in range(3):
            async with reading(client) as response:
                await anext(response.aiter_lines())
        await until(lambda: not open_responses)
        await running
    assert run.status == "done"
    assert values[0].status == "done"
    assert values[0].value == "".join(f"{number} " for number in range(40))


async def test_many_readers_leave_no_task_and_no_listener_behind():
    before = asyncio.all_tasks()
    value = ui.StreamableValue("a")
    async with serving(answering(lambda: ui.sse_response(value))) as client:
        reads = [asyncio.create_task(client.get("/")) for _ in range(50)]
        await until(lambda: len(open_responses) == 50)
        value.append("b").done()
        for read in reads:
            assert rebuilt(records((await read).content)) == "ab"
    assert value.log._listeners == ()
    await until(lambda: asyncio.all_tasks() == before)


@pytest.mark.parametrize("turns", [0, 1, 5])
async def test_an_end_that_comes_just_before_everything_is_closed_is_heard(monkeypatch, turns):
    monkeypatch.setattr(settings, "frame_interval", 60.0)
    value = ui.StreamableValue("a")
    async with serving(answering(lambda: ui.ndjson_response(value))) as client:
        async with reading(client) as response:
            lines = response.aiter_lines()
            said = [json.loads(await anext(lines))]
            value.append("b")
            for _ in range(turns):  # its response waits for the next frame meanwhile
                await asyncio.sleep(0)
            value.interrupt()
            close_responses()
            said += [json.loads(line) async for line in lines]
    assert rebuilt(said) == "ab"
    assert said[-1]["status"] == "interrupted"


async def test_it_may_be_written_in_another_thread_while_nothing_else_happens():
    value = ui.StreamableValue("")

    def write():
        for number in range(200):
            value.append(f"{number} ")
        value.done()

    async with serving(answering(lambda: ui.sse_response(value))) as client:
        read = asyncio.create_task(client.get("/"))
        await until(lambda: open_responses)
        writer = threading.Timer(0.1, write)  # when the event loop is asleep
        writer.start()
        async with asyncio.timeout(5):
            said = records((await read).content)
        writer.join()
    assert rebuilt(said) == value.value


# -- the same string everywhere --------------------------------------------------------------


@pytest.fixture(scope="module")
def served():
    """A server that answers with whatever the test has put here."""
    current = {}
    with serving_in_thread(answering(lambda: current["make"]())) as address:
        with httpx.Client(base_url=address) as client:
            yield current, client


@given(pieces=st.lists(NASTY, max_size=6))
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_fault_44_45_46_47_the_string_in_a_response_is_the_string_in_the_store(served, pieces):
    current, client = served
    value = ui.StreamableValue("")
    for piece in pieces:
        value.append(piece)
    value.done()
    assert value.value == clean_text("".join(pieces))
    for respond, kind in ((ui.sse_response, "sse"), (ui.ndjson_response, "ndjson")):
        current["make"] = lambda respond=respond: respond(value)
        assert rebuilt(records(client.get("/").content, kind)) == value.value
        current["make"] = lambda respond=respond: respond(_each(pieces))
        said = records(client.get("/").content, kind)
        assert "".join(said[:-1]) == value.value
    current["make"] = lambda: ui.text_response(value)
    assert client.get("/").content == value.value.encode()
    current["make"] = lambda: ui.text_response(_each(pieces))
    assert client.get("/").content == value.value.encode()


async def _each(items):
    for item in items:
        yield item


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        pytest.param(["a\0b"], "a\0b", id="44 NUL is kept"),
        pytest.param(["a\ud800b"], "a\ufffdb", id="45 a lone surrogate is U+FFFD"),
        pytest.param(["\ud83e", "\uddd1\u200d", "🚀"], "🧑\u200d🚀", id="46 a cut emoji"),
        pytest.param(["a\u2028b\u2029c\x85d"], "a\u2028b\u2029c\x85d", id="47 separators"),
        pytest.param(["\ufeffa\r", "\nb\rc\n"], "\ufeffa\r\nb\rc\n", id="41 42 BOM and line ends"),
    ],
)
def test_fault_44_to_47_by_name(served, said, kept):
    current, client = served
    value = ui.StreamableValue("")
    for piece in said:
        value.append(piece)
    value.done()
    assert value.value == kept
    current["make"] = lambda: ui.sse_response(value)
    assert rebuilt(records(client.get("/").content)) == kept
    current["make"] = lambda: ui.ndjson_response(value)
    assert rebuilt(records(client.get("/").content, "ndjson")) == kept
    current["make"] = lambda: ui.text_response(value)
    assert client.get("/").content.decode() == kept
