import asyncio
from typing import Any

import pytest

from streamui.page import link, registration
from streamui.page.frames import Pages
from streamui.page.page import receiving
from streamui.page.wire import LOST
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.value import StreamableValue
from tests.page.sockets import Socket


@pytest.fixture
def socket():
    socket = Socket()
    socket.connect()
    link.use_socket(socket)
    yield socket
    link.use_socket(None)


@pytest.fixture
def pages(monkeypatch):
    pages = Pages()
    monkeypatch.setattr(registration, "pages", pages)
    return pages


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def live(text: Any = "") -> StreamableValue[Any]:
    value: StreamableValue[Any] = StreamableValue(text)
    store.add(value.id, value.log)
    return value


async def test_the_first_op_leaves_at_once_and_later_ones_wait_for_the_tick(
    socket, pages, monkeypatch
):
    monkeypatch.setattr(settings, "frame_interval", 3600.0)
    value = live()
    pages.of("token").follow(value.id, value.log)
    await until(lambda: len(socket.frames) == 1)  # names the stream, has nothing in it yet
    value.append("first")
    await until(lambda: len(socket.frames) == 2)
    for _ in range(100):
        value.append("x")
        await asyncio.sleep(0)
    assert socket.ops == [{"i": value.id, "v": "", "o": 1}, "first"]
    value.done()
    pages._task.cancel()
    await asyncio.wait([pages._task])


async def test_everything_arrives_once_and_in_order(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.002)
    value = live()
    page = pages.of("token")
    page.follow(value.id, value.log)
    page.follow(value.id, value.log)
    for i in range(300):
        value.append(f"{i} ")
        await asyncio.sleep(0)
    value.done()
    await until(lambda: socket.ops and isinstance(socket.ops[-1], dict) and "s" in socket.ops[-1])
    first, *rest = socket.ops
    text = first["v"] + "".join(op if isinstance(op, str) else op.get("a", "") for op in rest)
    assert text == "".join(f"{i} " for i in range(300))
    assert len(socket.frames) < 100
    assert page.following == 0
    assert value.log._listeners == ()


async def test_the_tick_ends_when_nothing_waits(socket, pages):
    value = live("a")
    pages.of("token").follow(value.id, value.log)
    value.done()
    await until(lambda: socket.frames)
    await until(lambda: pages._task is None)


async def test_streams_of_one_page_share_a_frame(socket, pages):
    values = [live(str(i)) for i in range(5)]
    page = pages.of("token")
    for value in values:
        page.follow(value.id, value.log)
    await until(lambda: socket.frames)
    ((sid, frame),) = socket.frames
    assert sid == "sid"
    assert [op["v"] for op in frame.values()] == list("01234")
    for value in values:
        value.done()


async def test_a_frame_is_a_few_bytes_and_the_text(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    value = live()
    pages.of("token").follow(value.id, value.log)
    await until(lambda: socket.frames)
    value.append("hello")
    await until(lambda: len(socket.frames) == 2)
    assert socket.frames[1][1] == {"1": "hello"}
    value.done()


async def test_nothing_is_sent_to_a_page_that_is_gone(socket, pages):
    value = live("a")
    page = pages.of("token")
    page.follow(value.id, value.log)
    await until(lambda: socket.frames)
    socket.disconnect()
    value.append("b")
    await until(lambda: page.following == 0)
    assert len(socket.frames) == 1
    assert len(pages) == 0
    value.done()
    assert value.log._listeners == ()


async def test_a_page_that_leaves_while_another_is_served_holds_up_nobody(socket, pages):
    values = {token: live() for token in ("one", "two", "three")}
    for token, value in values.items():
        socket.connect(token, sid=token)
        pages.of(token).follow(value.id, value.log)

    def leave(sid, frame):
        # Reflex writes a new connection of the second page while the first one's frame goes out.
        if sid == "one":
            socket.connect("two", sid="another")
            pages.of("two")

    socket.on_frame = leave
    await until(lambda: any(sid == "three" for sid, _ in socket.frames))
    socket.frames.clear()
    values["three"].append("more")
    await until(lambda: socket.frames)
    assert not any(sid == "two" for sid, _ in socket.frames)
    for value in values.values():
        value.done()


async def test_a_page_on_another_worker_is_not_ours(socket, pages):
    socket.connect(instance="another process")
    assert pages.of("token") is None


async def test_a_page_that_is_behind_gets_merged_ops(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.001)
    value = live()
    pages.of("token").follow(value.id, value.log)
    await until(lambda: socket.frames)
    socket.waiting = settings.queue_limit + 1
    for _ in range(50):
        value.append("x")
        await asyncio.sleep(0.001)
    assert len(socket.frames) == 1
    socket.waiting = 0
    await until(lambda: len(socket.frames) == 2)
    assert socket.ops[1] == "x" * 50
    value.done()


async def test_a_reconnected_page_gets_exactly_the_rest(socket, pages):
    value = live("Hello")
    pages.of("token").follow(value.id, value.log)
    await until(lambda: socket.frames)
    has = socket.ops[0]["o"]
    socket.disconnect()
    value.append(", world")
    socket.connect(sid="sid")
    socket._token_manager.token_to_socket["token"].sid = "second"
    pages.hello("token", {value.id: has}, {value.id: value.log}, [])
    await until(lambda: len(socket.frames) == 2)
    sid, frame = socket.frames[1]
    assert sid == "second"
    assert list(frame.values()) == [{"i": value.id, "f": has, "a": ", world"}]
    value.done()


@pytest.mark.parametrize("offset", [-1, 10**9, 0])
async def test_an_offset_that_cannot_be_gets_the_whole(socket, pages, offset):
    value = live("Hello")
    pages.hello("token", {value.id: offset}, {value.id: value.log}, [])
    await until(lambda: socket.frames)
    assert socket.ops == [{"i": value.id, "v": "Hello", "o": 1}]
    value.done()


async def test_a_page_that_asks_for_what_is_on_its_way_is_not_sent_it_twice(socket, pages):
    value = live("Hello")
    page = pages.of("token")
    page.follow(value.id, value.log)
    await until(lambda: socket.frames)
    pages.hello("token", {value.id: 0}, {value.id: value.log}, [])
    value.append(", world")
    await until(lambda: len(socket.frames) == 2)
    assert socket.ops[1] == ", world"
    value.done()


async def test_a_page_that_found_a_gap_gets_the_whole(socket, pages):
    value = live("Hello")
    pages.of("token").follow(value.id, value.log)
    await until(lambda: socket.frames)
    pages.hello("token", {value.id: -1}, {value.id: value.log}, [])
    await until(lambda: len(socket.frames) == 2)
    assert socket.ops[1] == {"i": value.id, "v": "Hello", "o": 1}
    value.done()


async def test_an_unknown_id_gets_an_explicit_end(socket, pages):
    pages.hello("token", {"nobody-has-this": 0}, {"nobody-has-this": LOST}, [])
    await until(lambda: socket.frames)
    (op,) = socket.ops
    assert (op["s"], op["e"]["code"]) == ("interrupted", "lost")


async def test_an_ended_stream_is_given_whole_with_its_end(socket, pages):
    value = live("all").done()
    pages.hello("token", {value.id: 0}, {value.id: value.log}, [])
    await until(lambda: socket.frames)
    assert socket.ops == [{"i": value.id, "v": "all", "o": 2, "s": "done"}]


async def test_writes_from_a_thread_reach_the_page(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.001)
    value = live()
    pages.of("token").follow(value.id, value.log)

    def produce():
        for _ in range(2000):
            value.append("x")
        value.done()

    await asyncio.to_thread(produce)
    await until(lambda: "s" in socket.ops[-1])
    text = "".join(op if isinstance(op, str) else op.get("a", op.get("v", "")) for op in socket.ops)
    assert text == "x" * 2000


async def test_a_handle_inside_a_frame_gives_its_stream_to_the_page(socket, pages):
    inner = StreamableValue("inner")
    outer = live(None)
    outer.update({"text": inner})
    pages.of("token").follow(outer.id, outer.log)
    await until(lambda: len(socket.ops) == 2)
    assert socket.ops[0]["v"] == {"text": {"$stream": inner.id}}
    assert socket.ops[1]["v"] == "inner"
    inner.done()
    outer.done()


async def test_a_page_that_holds_an_ended_value_is_not_sent_it_again(socket, pages):
    page = pages.of("token")
    token = receiving.set(page)
    try:
        value = StreamableValue("long " * 100).done()
        assert registration.serialize_streamable(value)["value"] == value.value
        assert registration.serialize_streamable(value) == {
            "$stream": value.id,
            "status": "done",
            "held": 1,
        }
        assert value.id in store
        short = StreamableValue("ready").done()
        assert registration.serialize_streamable(short) == {
            "$stream": "",
            "status": "done",
            "value": "ready",
        }
    finally:
        receiving.reset(token)


async def test_what_wakes_while_a_frame_is_written_comes_with_the_next(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    first, second = live("a"), live("b")
    page = pages.of("token")
    page.follow(first.id, first.log)
    page.follow(second.id, second.log)
    await until(lambda: len(socket.ops) == 2)
    read = type(second.log).read

    def read_and_end(log, *where):  # as the garbage collector may, at any moment
        if log is second.log and not first.closed:
            first.done()
        return read(log, *where)

    monkeypatch.setattr(type(second.log), "read", read_and_end)
    second.append("c")
    await until(lambda: {"o": 2, "s": "done"} in socket.ops)
    second.done()


async def test_one_stream_that_cannot_be_written_does_not_silence_its_page(socket, pages, caplog):
    bad, good = live("a"), live("b")
    page = pages.of("token")
    page.follow(bad.id, bad.log)
    page.follow(good.id, good.log)
    bad.log.set({"n": 10**5000})  # what no update() would let through
    await until(lambda: len(socket.ops) == 2)
    broken, fine = socket.ops
    assert (broken["i"], broken["s"], broken["e"]["code"]) == (bad.id, "error", "internal")
    assert fine["v"] == "b"
    assert broken["e"]["reference"] in caplog.text
    good.append("c")
    good.done()
    await until(lambda: "s" in socket.ops[-1])
    assert page.following == 0
    bad.log.set({})
    bad.done()


async def test_a_cursor_that_was_replaced_is_not_woken_from_its_thread(socket, pages):
    value = live("a")
    page = pages.of("token")
    page.follow(value.id, value.log)
    old = page._cursors[value.id]
    page.resume(value.id, -1, value.log)
    page._wake_from_thread(old)
    await until(lambda: socket.frames)
    assert len(socket.ops) == 1
    value.done()


async def test_pages_that_left_are_forgotten_while_others_come(socket, pages):
    for number in range(1000):
        socket.connect(token=f"t{number}", sid=f"s{number}")
        pages.of(f"t{number}")
        socket.disconnect(f"t{number}")
    assert len(pages) < 200


async def test_a_page_whose_socket_fails_keeps_no_other_from_its_frames(
    socket, pages, monkeypatch, caplog
):
    socket.connect("broken", "broken")
    socket.connect("other", "other")
    hung_up = []

    async def hang_up(sid):
        hung_up.append(sid)
        raise OSError("closed already")

    def fail(sid, frame):
        if sid == "broken":
            raise ConnectionError("gone")

    monkeypatch.setattr(link, "hang_up", hang_up)
    socket.on_frame = fail
    values = [live("a"), live("b")]
    for token, value in zip(("broken", "other"), values, strict=True):
        pages.of(token).follow(value.id, value.log)
    await until(lambda: ("other", {"1": {"i": values[1].id, "v": "b", "o": 1}}) in socket.frames)
    # What has arrived of a frame is not known: the page comes back and says it.
    assert hung_up == ["broken"]
    assert len(pages) == 1
    assert "gone" in caplog.text
    for value in values:
        value.done()
    await until(lambda: pages._task is None)
