"""What a page is sent at once, and what it may ask for at once."""

import asyncio
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import reflex as rx
from reflex_base.utils.format import json_dumps

from streamui.errors import StreamNotFoundError
from streamui.page import connection, link, registration
from streamui.page.connection import StreamConnection
from streamui.page.frames import Pages
from streamui.page.questions import MOST
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.failure import LOST
from streamui.streamable.log import UNSET
from streamui.streamable.value import StreamableValue
from tests.page.sockets import Socket

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).parent.parent / "js" / "page_driver.mjs"
OVERHEAD = 200  # bytes of a frame beside its content: an id, an offset, keys


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
    for module in (registration, connection):
        monkeypatch.setattr(module, "pages", pages)
    monkeypatch.setattr(link, "current_token", lambda: "token")
    return pages


@pytest.fixture
def page(node):
    """The real page store in Node: ``page(command, argument)``."""
    with subprocess.Popen(
        [node, DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def call(command, argument=None):
            stdin.write(json.dumps([command, argument]) + "\n")
            return json.loads(stdout.readline())["answer"]

        call("load")
        yield call
        stdin.close()


async def quiet(socket, pages, seconds=30):
    """Wait until the page has got everything."""
    async with asyncio.timeout(seconds):
        while pages._task is not None:
            await asyncio.sleep(0.001)


def sizes(socket):
    """The bytes of each frame as they go over the wire."""
    return [size(frame) for _, frame in socket.frames]


def size(frame):
    return len(json_dumps(frame, separators=(",", ":")).encode())


def shown(page, socket, value):
    """What the real page makes of the frames."""
    page("show", [{"$stream": value.id}])
    for _, frame in socket.frames:
        page("frame", frame)
    return page("read", [value.id])[0]


# What 10 MB of text may look like: plain, in any script, and at its worst in JSON.
TEXTS = {"plain": "hello wörld ", "emoji": "👩‍👩‍👧 😀", "escaped": '\x00"\\\n', "mixed": "a\x00é😀"}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("how", ["appended", "set", "there before"])
async def test_fault_43_huge_text_goes_in_frames_of_bounded_size(
    name, how, socket, pages, page, monkeypatch
):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    text = TEXTS[name] * (3_000_000 // len(TEXTS[name]))
    value = StreamableValue("" if how == "appended" else text)
    follower = pages.of("token")
    if how != "there before":
        follower.follow(value.id, value.log)
    if how == "appended":
        await quiet(socket, pages)
        value.append(text)
    if how == "set":
        value.update("other " + text)
    value.done()
    follower.follow(value.id, value.log)
    await quiet(socket, pages)
    assert max(sizes(socket)) <= settings.frame_bytes + OVERHEAD
    if name == "plain":
        assert len(socket.frames) <= len(value.value.encode()) / settings.frame_bytes + 3
    assert shown(page, socket, value) == [value.value, "done"]


async def test_fault_43_a_chunk_of_10_mb_leaves_the_loop_to_others(
    socket, pages, page, monkeypatch
):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    chunk = "0123456789" * 1_000_000
    value, other = StreamableValue(""), StreamableValue("")
    follower = pages.of("token")
    follower.follow(value.id, value.log)
    follower.follow(other.id, other.log)
    await quiet(socket, pages)
    before = len(socket.frames)
    turns, longest = [0], [0.0]

    async def tick():
        while not value.closed:
            begun = time.monotonic()
            await asyncio.sleep(0)
            turns[0] += 1
            longest[0] = max(longest[0], time.monotonic() - begun)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    value.append(chunk)
    other.append("short")
    async with asyncio.timeout(60):
        while sum(map(len, texts(socket, value))) < len(chunk):
            await asyncio.sleep(0)
    frames = socket.frames[before:]
    # Others are not behind it in the queue, and have their turn between any two frames.
    first = next(i for i, (_, frame) in enumerate(frames) if "short" in frame.values())
    assert first <= 1
    assert len(frames) == -(-len(chunk) // (settings.frame_bytes - 2))  # and two quotes each
    assert turns[0] >= len(frames)
    assert longest[0] < 1.0  # much less: a machine that does something else must not fail this
    value.done()
    other.done()
    await ticking
    await quiet(socket, pages)
    assert shown(page, socket, value) == [chunk, "done"]


def texts(socket, value):
    alias = next(alias for _, frame in socket.frames for alias, op in frame.items()
                 if isinstance(op, dict) and op.get("i") == value.id)  # fmt: skip
    return [frame[alias] for _, frame in socket.frames if isinstance(frame.get(alias), str)]


async def test_fault_43_a_long_list_goes_item_by_item(socket, pages, page, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    rows = [{"name": f"row {number}", "text": "x" * (number % 90)} for number in range(20_000)]
    value = StreamableValue(rows[:12_000])
    value.append(rows[12_000:])
    value.done()
    pages.of("token").follow(value.id, value.log)
    await quiet(socket, pages)
    assert len(socket.frames) > 5
    assert max(sizes(socket)) <= settings.frame_bytes + OVERHEAD
    assert shown(page, socket, value) == [rows, "done"]


async def test_what_cannot_be_cut_has_a_frame_of_its_own(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    monkeypatch.setattr(settings, "frame_bytes", 1000)
    texts = [StreamableValue("x" * 300) for _ in range(2)]
    large = StreamableValue({"a": "x" * 5000})
    follower = pages.of("token")
    for value in [texts[0], large, texts[1]]:
        follower.follow(value.id, value.log)
    await quiet(socket, pages)
    assert [len(frame) for _, frame in socket.frames] == [2, 1]
    assert socket.ops[-1]["v"] == large.value
    for value in [*texts, large]:
        value.done()


async def test_many_streams_share_frames_and_each_has_its_turn(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    monkeypatch.setattr(settings, "frame_bytes", 1000)
    follower = pages.of("token")
    values = [StreamableValue("") for _ in range(20)]
    for value in values:
        follower.follow(value.id, value.log)
    await quiet(socket, pages)
    before = len(socket.frames)
    for value in values:
        value.append("x" * 2000)
    await quiet(socket, pages)
    frames = [frame for _, frame in socket.frames[before:]]
    assert max(map(size, frames)) <= 1000 + OVERHEAD
    assert len(frames) < 50
    # Nobody gets a second piece before everybody has had one.
    order = [alias for frame in frames for alias in frame]
    assert set(order[:20]) == {str(number) for number in range(1, 21)}
    for value in values:
        value.done()


async def test_a_page_that_comes_back_in_the_middle_gets_the_rest(socket, pages, page, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    monkeypatch.setattr(settings, "frame_bytes", 1000)
    text = "é😀x" * 3000
    value = StreamableValue(text)
    page("show", [{"$stream": value.id}])
    pages.of("token").follow(value.id, value.log)
    has = 0
    while has < len(text) // 2:
        await asyncio.sleep(0)
        for _, frame in socket.frames:
            page("frame", frame)
        socket.frames.clear()
        has = len(page("read", [value.id])[0][0] or "")
    socket.disconnect()
    await quiet(socket, pages)
    socket.frames.clear()
    socket.connect(sid="second")
    value.append("!").done()
    pages.hello("token", {value.id: 1 + has}, {value.id: value.log}, [])
    await quiet(socket, pages)
    assert sum(sizes(socket)) < len(text.encode()) * 0.6  # not from the beginning
    assert shown(page, socket, value) == [text + "!", "done"]


async def test_an_ended_value_that_is_too_long_for_a_frame_comes_in_pieces_too(
    socket, pages, page, monkeypatch
):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    text = "hello " * 200_000
    value = StreamableValue(text).done()
    assert json.loads(json_dumps(value)) == {"$stream": value.id}
    await quiet(socket, pages)
    assert max(sizes(socket)) <= settings.frame_bytes + OVERHEAD
    assert shown(page, socket, value) == [text, "done"]
    # From now on the page has it.
    assert json.loads(json_dumps(value)) == {"$stream": value.id, "status": "done", "held": 1}


async def test_zero_bytes_is_no_limit(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_bytes", 0)
    value = StreamableValue("x" * 1_000_000).done()
    pages.of("token").follow(value.id, value.log)
    await quiet(socket, pages)
    assert socket.ops == [{"i": value.id, "v": value.value, "o": 2, "s": "done"}]


# -- what a log gives in pieces ---------------------------------------------------------------


@pytest.mark.parametrize("most", [1, 2, 7, 50])
@pytest.mark.parametrize("kind", ["text", "list"])
def test_pieces_of_a_log_are_its_whole_from_every_offset(kind, most, monkeypatch):
    monkeypatch.setattr(settings, "frame_bytes", 20)
    empty = "" if kind == "text" else []
    value = StreamableValue()
    steps = [
        lambda: value.append("abc" if kind == "text" else [1, 2, 3]),
        lambda: value.append("de" * 20 if kind == "text" else [4, 5] * 20),
        lambda: value.update("long " * 10 if kind == "text" else ["long"] * 10),
        lambda: value.append("é😀" if kind == "text" else ["é", "😀"]),
        value.done,
    ]
    for step in steps:
        step()
        whole = value.log.value
        starts = {0, -1, 10**9}
        for offset in range(value.log.offset + 1):
            change = value.log.read(offset, most)
            if change.kind == "snapshot":
                break
            starts.add(offset)
        for start in starts:
            has: Any = UNSET
            offset, status = start, ""
            while status != value.status or offset != value.log.offset:
                change = value.log.read(offset, most)
                assert change.kind == "nothing" or len(change.content) <= max(most, 20)
                if change.kind == "snapshot":
                    has = change.content
                elif change.kind == "append":
                    # From the middle there is only the rest.
                    has = (empty if has is UNSET else has) + change.content
                offset, status = change.offset, change.status
            assert whole[len(whole) - len(has) :] == has if has is not UNSET else True


# -- what a page may ask for ------------------------------------------------------------------


class Asking:
    """The state that a page's events arrive at."""

    def _get_root_state(self):
        state: Any = rx.State
        return state(_reflex_internal_init=True)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


async def hello(streams, held=None):
    await say("hello", streams=streams, held=held)


async def say(event: str, **arguments: Any):
    handler: Any = getattr(StreamConnection, event)
    await handler.fn(Asking(), **arguments)


def given(number):
    values = [StreamableValue("") for _ in range(number)]
    for value in values:
        store.add(value.id, value.log)
        store.grant(value.id, "token")
    return values


async def test_fault_28_a_page_that_follows_too_many_is_told_so_of_each(socket, pages, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    monkeypatch.setattr(settings, "streams_per_page", 0)
    values = given(1000)
    monkeypatch.setattr(settings, "streams_per_page", 100)
    await hello({value.id: 0 for value in values})
    await quiet(socket, pages)
    ops = {op["i"]: op for op in socket.ops}
    assert len(ops) == 1000
    followed = [value for value in values if "s" not in ops[value.id]]
    assert len(followed) == pages.of("token").following == 100
    refusal = ops[values[-1].id]
    assert (refusal["s"], refusal["e"]["code"]) == ("interrupted", "limit")
    assert refusal["e"]["message"].startswith("That is more than this server allows at once.")
    # When one has ended, another can be had.
    followed[0].done()
    await quiet(socket, pages)
    await hello({values[-1].id: 0})
    await quiet(socket, pages)
    assert socket.ops[-1] == {"i": values[-1].id, "v": "", "o": 1}
    for value in values:
        value.cancel()


async def test_a_handle_that_is_one_too_many_does_no_harm_to_what_it_is_in(
    socket, pages, monkeypatch
):
    monkeypatch.setattr(settings, "streams_per_page", 2)
    values = given(2)
    monkeypatch.setattr(settings, "streams_per_page", 1)
    assert json.loads(json_dumps(values)) == [{"$stream": value.id} for value in values]
    await quiet(socket, pages)
    assert [op.get("s") for op in socket.ops] == ["interrupted", None]
    for value in values:
        value.done()


async def test_fault_49_what_is_no_sensible_question_is_not_listened_to(socket, pages):
    deep = json.loads("[" * 400 + "]" * 400)
    (value,) = given(1)
    for nonsense in [
        {value.id: deep},
        {value.id: float("nan")},
        {value.id: float("inf")},
        deep,
        float("nan"),
    ]:
        await hello(nonsense, held=nonsense)
        await say("stop_runs", name=nonsense)
        await say("stop_stream", name=nonsense)
    await hello({}, held=[deep, float("nan"), "x" * 100_000, None])
    await quiet(socket, pages)
    assert socket.frames == []
    assert pages.of("token").held == {}
    value.done()


async def test_a_page_that_asks_for_ever_and_reads_nothing_costs_no_more(socket, pages):
    socket.waiting = settings.queue_limit + 1
    for turn in range(5):
        names = [f"{turn} {number}" for number in range(MOST)]
        await hello(dict.fromkeys(names, 0), held=names)
    page = pages.of("token")
    assert len(page._lost) <= MOST
    assert len(page.held) <= MOST
    socket.waiting = 0
    await quiet(socket, pages)
    assert socket.ops[0] == {"i": "0 0", "s": "interrupted", "e": LOST.as_json()}


async def test_a_page_that_says_hello_all_the_time_asks_for_no_more_than_one_that_does_not(
    socket, pages, monkeypatch
):
    asked = []

    async def readable(name, page):
        asked.append(name)
        raise StreamNotFoundError

    monkeypatch.setattr(connection, "readable", readable)
    streams = {f"unknown {number}": 0 for number in range(MOST)}
    async with asyncio.TaskGroup() as group:
        for _ in range(200):
            group.create_task(hello(streams))
    await quiet(socket, pages)
    assert len(asked) <= 2 * settings.streams_per_page
