"""Streamables of another process: unpickled, inside others, read by their handle, stopped."""

from __future__ import annotations

import asyncio
import gc
import pickle

import pytest

from streamui.errors import StreamLockedError, StreamNotFoundError
from streamui.settings import settings
from streamui.store import store as home
from streamui.store.redis.engine import RedisEngine
from streamui.streamable.base import find_streamable
from streamui.streamable.reader import read_streamable
from streamui.streamable.value import StreamableValue
from tests.store.child import child
from tests.store.conftest import until

pytestmark = pytest.mark.slow

WRITE_AS_TOLD = """
import streamui.server.stopping  # as any page's process does
value = ui.StreamableValue("one ")
inner = ui.StreamableValue("inner ")
ended = ui.StreamableValue("ended").done()
say(pickle.dumps(value).hex())
while (line := await hear()) != "done":
    match line.partition(" "):
        case "append", _, text:
            value.append(text)
        case "inner", _, text:
            inner.append(text)
        case "nest", _, _:
            value.update({"inner": inner, "list": [ended, "x"], "data": {"$stream": inner.id}})
            store.add(value.id, value.log)
        case "pickle", _, _:
            say(pickle.dumps(value).hex())
        case "stop", _, _:
            while value.streaming:
                await asyncio.sleep(0.01)
            say(value.status)
value.close("done")
inner.close("done")
await store.close()
say("closed")
"""


@pytest.fixture
async def shared(redis):
    """The process's own store, over the tests' Redis."""
    engine = RedisEngine(redis.url)
    home.store.use(engine)
    yield home.store
    await engine.close()
    home.store.use(None)


async def test_an_unpickled_one_goes_on_in_another_process(redis, shared):
    async with child(WRITE_AS_TOLD, redis.url) as producer:
        pickled = bytes.fromhex(await producer.line())
        value = pickle.loads(pickled)
        assert (value.value, value.status, value.mirrored) == ("one ", "streaming", True)
        assert pickle.loads(pickled) is value
        producer.say("append two")
        await until(lambda: value.value == "one two")
        seen = [text async for text in _until_done(value, producer)]
        assert seen[-1] == "one two"
        assert value.status == "done"


async def _until_done(value, producer):
    async for text in read_streamable(value):
        yield text
        producer.say("done")


async def test_an_unpickled_one_is_never_behind_what_was_pickled(redis, shared):
    async with child(WRITE_AS_TOLD, redis.url) as producer:
        first = pickle.loads(bytes.fromhex(await producer.line()))
        for number in range(50):
            producer.say(f"append {number},")
            producer.say("pickle")
            again = pickle.loads(bytes.fromhex(await producer.line()))
            assert again is first
            assert first.value.endswith(f"{number},")
        producer.say("done")
        await until(lambda: first.status == "done")
        assert first.value == "one " + "".join(f"{number}," for number in range(50))


async def test_it_can_be_read_and_stopped_but_not_written(redis, shared):
    async with child(WRITE_AS_TOLD, redis.url) as producer:
        value = pickle.loads(bytes.fromhex(await producer.line()))
        writes = (
            lambda: value.append("x"),
            lambda: value.update("x"),
            value.done,
            value.error,
            value.cancel,
            value.interrupt,
        )
        for write in writes:
            with pytest.raises(StreamLockedError, match="another process"):
                write()
        assert find_streamable(value.id) is None  # here nobody makes it
        producer.say("stop")
        await asyncio.sleep(0.1)
        value.stop()
        assert await producer.line() == "cancelled"
        await until(lambda: value.status == "cancelled")


async def test_streams_inside_a_stream_come_along(redis, shared):
    async with child(WRITE_AS_TOLD, redis.url) as producer:
        value = pickle.loads(bytes.fromhex(await producer.line()))
        producer.say("nest")
        await until(lambda: isinstance(value.value, dict))
        inner = value.value["inner"]
        assert isinstance(inner, StreamableValue)
        assert (inner.mirrored, inner.status) == (True, "streaming")
        producer.say("inner more")
        await until(lambda: inner.value == "inner more")
        ended, text = value.value["list"]
        assert (ended.value, ended.status, text) == ("ended", "done", "x")
        assert value.value["data"] == {"$stream": inner.id}  # which only looks like one
        # And so they do for somebody who reads it all from the beginning.
        log = await home.Store(shared.engine).open(value.id)
        assert log.value["inner"].id == inner.id
        producer.say("done")
        await until(lambda: inner.status == "done")


async def test_a_handle_is_read_wherever_its_stream_is_made(redis, shared):
    async with child(WRITE_AS_TOLD, redis.url) as producer:
        name = pickle.loads(bytes.fromhex(await producer.line())).id
        gc.collect()
        texts = []
        async for text in read_streamable({"$stream": name}):
            texts.append(text)
            producer.say("append end")
            producer.say("done")
        assert texts[-1].startswith("one end")
    with pytest.raises(StreamNotFoundError):
        async for _ in read_streamable({"$stream": "never-heard-of"}):
            pass


async def test_one_that_nobody_has_ends_as_interrupted(redis, shared, monkeypatch):
    monkeypatch.setattr(settings, "lease", 0.6)
    lost = StreamableValue("what was saved")
    saved = pickle.dumps(lost).replace(lost.id.encode(), b"x" * len(lost.id))
    lost.done()
    value = pickle.loads(saved)
    assert (value.value, value.status) == ("what was saved", "streaming")
    await until(lambda: value.closed)
    assert (value.value, value.status, value.error_code) == (
        "what was saved",
        "interrupted",
        "lost",
    )


async def test_what_nobody_reads_is_followed_no_longer(redis, shared):
    async with child(WRITE_AS_TOLD, redis.url) as producer:
        held = [pickle.loads(bytes.fromhex(await producer.line()))]
        follower = shared.engine._follower
        await until(lambda: follower._tails)
        (tail,) = follower._tails.values()
        assert len(tail._streams) == 1
        held.clear()
        gc.collect()
        await until(lambda: not tail._streams and not follower._followed)


async def test_a_process_that_closes_ends_what_it_leaves_open(redis, shared):
    code = """
    value = ui.StreamableValue("left")
    store.add(value.id, value.log)
    say(value.id)
    await hear()
    await store.close()
    """
    async with child(code, redis.url) as producer:
        log = await shared.open(await producer.line())
        producer.say("close")
        await until(lambda: log.status == "interrupted", settings.lease / 2.5)
        assert log.value == "left"
        assert await producer.wait() == 0
