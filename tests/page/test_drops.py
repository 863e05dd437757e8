"""A page whose connection drops, wherever it drops: the same content, once, and one end."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from streamui.page.wire import LOST
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.value import StreamableValue
from tests.page.tab import Call, Tab, node_page

pytestmark = pytest.mark.slow

# A combining accent, one ZWJ sequence of two, a flag of two, two that need two UTF-16 units.
TEXT = (
    "He\u0301llo \U0001f469\u200d\U0001f680 \U0001f1e9\U0001f1ea\n\u2028\U0001d54f, the end 👍🏽."
)


@pytest.fixture(scope="module")
def call(node: str) -> Iterator[Call]:
    with node_page(node) as call:
        yield call


@pytest.fixture
async def tab(call: Call, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tab]:
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    tab = Tab(call, monkeypatch)
    yield tab
    await tab.close()


def write_text(value: StreamableValue[Any], step: int) -> None:
    value.append(TEXT[step])


def write_items(value: StreamableValue[Any], step: int) -> None:
    value.append([{"step": step, "word": TEXT[: step % 5]}, step][: 1 + step % 2])


def write_object(value: StreamableValue[Any], step: int) -> None:
    now = value.value
    now["rows"] = [*now.get("rows", []), {"n": step}][-4:]
    now[f"key {step % 6}"] = {"text": TEXT[:step]}
    if step % 7 == 0:
        now.pop("key 3", None)
    value.update(now)


WRITERS = {"text": ("", write_text), "items": ([], write_items), "object": ({}, write_object)}
STEPS = len(TEXT)


async def play(tab: Tab, kind: str, drop_at: set[int], away: int) -> None:
    """Stream to the end, and drop the connection before some frames arrive.

    Args:
        tab: The page.
        kind: What is streamed.
        drop_at: Steps after which the connection drops, the frame of that step being under way.
        away: Steps that are written until it is back.
    """
    start, write = WRITERS[kind]
    value: StreamableValue[Any] = StreamableValue(start)
    if not tab.sid:
        await tab.connect()
    await tab.show(value)
    await tab.receive()
    back = -1
    for step in range(STEPS):
        write(value, step)
        await tab.turns()
        if step in drop_at and tab.sid:
            tab.drop()
            back = step + away
        elif not tab.sid and step >= back:
            await tab.connect()
        if tab.sid:
            await tab.receive()
    value.done()
    if not tab.sid:
        await tab.connect()
    await tab.receive()
    check(tab, value)


def check(tab: Tab, value: StreamableValue[Any]) -> None:
    """The page shows what the server has, has drawn nothing else on the way, and one end."""
    drawn = tab.history(value)
    assert drawn[-1] == (value.log.value, value.status)
    ends = [status for _, status in drawn if status != "streaming"]
    assert len(ends) == 1
    if isinstance(value.value, str):
        texts = [text or "" for text, _ in drawn]
        assert all(value.value.startswith(text) for text in texts)
        assert texts == sorted(texts, key=len)


@pytest.mark.parametrize("away", [0, 3, STEPS])
@pytest.mark.parametrize("kind", WRITERS)
async def test_fault_01_a_drop_before_any_frame_arrives_leaves_the_content_exact(tab, kind, away):
    for step in range(STEPS):
        await play(tab, kind, {step}, away)


async def test_fault_01_a_drop_at_any_offset_is_followed_by_exactly_the_rest(tab):
    for offset in range(len(TEXT) + 1):
        value = StreamableValue("")
        if not tab.sid:
            await tab.connect()
        await tab.show(value)
        value.append(TEXT[:offset])
        await tab.receive()
        tab.drop()
        value.append(TEXT[offset:])
        await tab.connect()
        await tab.receive()
        assert tab.text == TEXT[offset:]
        value.done()
        await tab.receive()
        check(tab, value)
        tab.values.clear()


@pytest.mark.parametrize("kind", WRITERS)
async def test_fault_02_five_random_drops_change_nothing(tab, kind):
    for seed in range(20):
        chosen = random.Random(seed)
        drops = set(chosen.sample(range(STEPS), 5))
        await play(tab, kind, drops, chosen.randrange(4))


@pytest.mark.parametrize("kind", WRITERS)
async def test_fault_03_a_reload_at_any_step_goes_on(tab, kind):
    start, write = WRITERS[kind]
    value: StreamableValue[Any] = StreamableValue(start)
    await tab.connect()
    await tab.show(value)
    for step in range(STEPS):
        write(value, step)
        await tab.reload()
        await tab.receive()
        assert tab.shown(value) == (value.log.value, "streaming")
    value.done()
    await tab.receive()
    check(tab, value)


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("status", ["done", "error", "cancelled", "interrupted"])
async def test_fault_08_a_drop_during_the_last_op_leaves_one_end(tab, status, arrived):
    value = StreamableValue("Hello")
    await tab.connect()
    await tab.show(value)
    await tab.receive()
    value.append(", world")
    end(value, status)
    await tab.turns()
    assert tab.under_way  # the server has sent its end
    if arrived:
        await tab.receive()
        assert tab.shown(value) == ("Hello, world", status)
    tab.drop()
    await tab.connect()
    await tab.receive()
    check(tab, value)
    assert tab.text == ""  # it came whole, with the state; nothing is sent beside that


@pytest.mark.parametrize("status", ["done", "error", "cancelled", "interrupted"])
@pytest.mark.parametrize("had", [None, 0, 3, len(TEXT)])
async def test_fault_09_a_page_back_after_the_end_has_the_whole_and_its_end(tab, status, had):
    value = StreamableValue("")
    await tab.connect()
    await tab.show(value)
    if had is not None:
        value.append(TEXT[:had])
        await tab.receive()
    tab.drop()
    value.append(TEXT[had or 0 :])
    end(value, status)
    await tab.connect()
    await tab.receive()
    check(tab, value)
    texts = itertools.dropwhile(lambda text: text is None, [text for text, _ in tab.history(value)])
    assert None not in list(texts)  # what was there once is never gone
    await tab.reload()
    await tab.receive()
    check(tab, value)


@pytest.mark.parametrize("offset", [-1, -(2**70), 0, 3, 4, 2**31, 2**53, 10**30])
async def test_fault_10_an_offset_that_cannot_be_is_answered_with_the_whole(tab, offset):
    value = StreamableValue("He")
    value.append("y")
    assert value.log.offset == 2
    await tab.connect()
    store.add(value.id, value.log)
    store.grant(value.id, tab.token)
    await tab.say("hello", streams={value.id: offset})
    await tab.turns()
    ((_, frame),) = tab.under_way
    assert list(frame.values()) == [{"i": value.id, "v": "Hey", "o": 2}]
    await tab.show(value)
    value.append("!").done()
    await tab.receive()
    check(tab, value)


@pytest.mark.parametrize("offset", [None, True, "3", 1.5, [], {}])
async def test_fault_10_what_is_no_offset_does_no_harm(tab, offset):
    value = StreamableValue("Hey")
    await tab.connect()
    await tab.show(value)
    await tab.receive()
    await tab.say("hello", streams={value.id: offset})
    await tab.say("hello", streams=offset, held=offset)
    value.append("!").done()
    await tab.receive()
    check(tab, value)


@pytest.mark.parametrize("name", ["nobody-has-this", "", "\0", "../../etc", "x" * 60, "$stream"])
async def test_fault_10_an_unknown_id_is_told_lost(tab, name):
    await tab.connect()
    await tab.say("hello", streams={name: 3})
    await tab.turns()
    ((_, frame),) = tab.under_way
    assert list(frame.values()) == [{"i": name, "s": "interrupted", "e": LOST.as_json()}]


async def test_fault_10_an_expired_stream_is_told_lost_and_what_was_shown_stays(tab, monkeypatch):
    value = StreamableValue("the beginning")
    await tab.connect()
    await tab.show(value)
    await tab.receive()
    tab.drop()
    tab.values.clear()
    name = value.id
    value.append(" and the end").done()
    monkeypatch.setattr(store, "_clock", lambda: time.monotonic() + 2 * settings.retain)
    shown = value.log
    del value
    assert store.find(name) is None
    await tab.connect()
    await tab.receive()
    assert tab.call("history", name)["answer"][-1] == ["the beginning", "interrupted"]
    assert shown.value == "the beginning and the end"


def end(value: StreamableValue[Any], status: str) -> None:
    match status:
        case "done":
            value.done()
        case "error":
            value.error("No.")
        case "cancelled":
            value.cancel()
        case _:
            value.interrupt()
