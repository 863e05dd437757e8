"""What every store does, whatever engine is under it: one process writes, others read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamui.errors import StreamNotFoundError
from streamui.streamable.value import StreamableValue
from tests.store.conftest import until

pytestmark = pytest.mark.slow


async def test_what_one_process_writes_another_reads(process):
    here, there = process(), process()
    value = StreamableValue("one")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    assert log.value == "one"
    value.append(" two")
    await until(lambda: log.value == "one two")
    value.append(" three").done()
    await until(lambda: log.status == "done")
    assert log.value == "one two three"
    assert log.offset == value.log.offset


async def test_a_reader_that_comes_after_the_end_gets_all_of_it(process):
    here, there = process(), process()
    value = StreamableValue("a").append("b").done("abc")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    assert (log.value, log.status, log.offset) == ("abc", "done", value.log.offset)


@pytest.mark.parametrize("status", ["done", "error", "cancelled", "interrupted"])
async def test_every_end_is_heard_with_its_reason(process, status):
    here, there = process(), process()
    value = StreamableValue("a")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    match status:
        case "done":
            value.done()
        case "error":
            value.error("No.")
        case "cancelled":
            value.cancel()
        case _:
            value.interrupt()
    await until(lambda: log.status != "streaming")
    assert (log.status, log.failure, log.value) == (status, value.failure, "a")


@pytest.mark.parametrize("name", ["never-heard-of", "", "\ud800", "a\x00\r\n{1}:b", "x" * 5_000])
async def test_an_unknown_stream_is_not_found(process, name):
    process()
    store = process()
    with pytest.raises(StreamNotFoundError):
        await store.open(name)
    assert not await store.granted(name, name)


async def test_an_empty_stream_is_found_and_fills(process):
    here, there = process(), process()
    value = StreamableValue()
    here.add(value.id, value.log)
    log = await there.open(value.id)
    assert (log.offset, log.status) == (0, "streaming")
    value.update({"a": [1]})
    await until(lambda: log.offset)
    assert log.value == {"a": [1]}
    value.done()
    await until(lambda: log.status == "done")


async def test_structures_and_lists_change_in_place(process):
    here, there = process(), process()
    value: StreamableValue[Any] = StreamableValue({"rows": [{"n": 0}], "title": "x" * 200})
    here.add(value.id, value.log)
    log = await there.open(value.id)
    for number in range(50):
        now = value.value
        now["rows"][0]["n"] = number
        now["rows"].append({"n": -number})
        value.update(now)
        if number % 10 == 0:
            await until(lambda: log.offset == value.log.offset)
            assert log.value == value.value
    value.done()
    await until(lambda: log.status == "done")
    assert log.value == value.value


async def test_any_text_comes_out_as_it_went_in(process):
    here, there = process(), process()
    text = 'a\x00\u2028\ufeff\u0085"\\\r\n\r' + "\U0001f469\u200d\U0001f680" + "\ud83d"
    value = StreamableValue("")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    for piece in text:
        value.append(piece)
    value.done()
    await until(lambda: log.status == "done")
    assert log.value == value.value


async def test_what_looks_like_a_handle_is_data(process):
    here, there = process(), process()
    secret = StreamableValue("secret")
    here.add(secret.id, secret.log)
    value = StreamableValue({"$stream": secret.id, "list": [{"$stream": secret.id}]})
    here.add(value.id, value.log)
    log = await there.open(value.id)
    assert log.value == {"$stream": secret.id, "list": [{"$stream": secret.id}]}
    value.done()
    secret.done()


async def test_a_grant_holds_in_every_process(process):
    here, there = process(), process()
    value = StreamableValue("a")
    here.add(value.id, value.log)
    here.grant(value.id, "page")
    assert await there.granted(value.id, "page")
    assert await here.granted(value.id, "page")
    assert not await there.granted(value.id, "other")
    assert not await there.granted("never-heard-of", "page")
    value.done()


async def test_many_streams_are_followed_at_once(process):
    here, there = process(), process()
    values = [StreamableValue("") for _ in range(100)]
    for value in values:
        here.add(value.id, value.log)
    logs = await asyncio.gather(*(there.open(value.id) for value in values))
    for turn in range(20):
        for value in values:
            value.append(f"{turn} ")
        await asyncio.sleep(0)
    for value in values:
        value.done()
    await until(lambda: all(log.status == "done" for log in logs))
    assert [log.value for log in logs] == [value.value for value in values]


async def test_a_stream_that_is_asked_for_late_is_followed_at_once(process):
    here, there = process(), process()
    first, second = StreamableValue("a"), StreamableValue("b")
    for value in (first, second):
        here.add(value.id, value.log)
    await there.open(first.id)
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.1)  # until it waits for the first
    log = await there.open(second.id)
    begun = loop.time()
    second.append("c")
    await until(lambda: log.value == "bc", 2)
    assert loop.time() - begun < 1
    first.done()
    second.done()
