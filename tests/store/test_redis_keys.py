"""What Redis holds: one slot for a stream, no more than it needs, nothing for ever."""

from __future__ import annotations

import asyncio
import json
import os
import threading

import pytest
from redis.crc import key_slot

from streamui.errors import StoreUnavailableError
from streamui.settings import settings
from streamui.store.redis.engine import RedisEngine
from streamui.store.redis.keys import LANES, log_key, stream_keys
from streamui.store.redis.server import Server
from streamui.store.store import Store
from streamui.streamable.json_value import Reference
from streamui.streamable.value import StreamableValue
from tests.store.conftest import Processes, until
from tests.store.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.slow


@pytest.fixture
async def on_own(own_redis):
    made = Processes(own_redis.url)
    yield made
    await made.close()


def test_a_stream_lives_in_one_slot_and_many_in_many():
    names = [StreamableValue("").done().id for _ in range(2_000)]
    slots = {name: {key_slot(key.encode()) for key in stream_keys(name)} for name in names}
    assert all(len(each) == 1 for each in slots.values())
    assert len(set.union(*slots.values())) == LANES


def times_to_live(redis: RedisServer) -> dict[str, float]:
    keys = redis.cli("KEYS", "*").splitlines()
    return {key: int(redis.cli("PTTL", key)) / 1000 for key in keys}


async def test_no_key_stays_for_ever(own_redis, on_own):
    here, there = on_own(), on_own()
    value, empty = StreamableValue("live"), StreamableValue()
    for each in (value, empty):
        here.add(each.id, each.log)
        here.grant(each.id, "page")
    log = await there.open(value.id)
    there.grant(value.id, "another page")
    await there.tell({"an": "order"})
    await until(lambda: len(own_redis.cli("KEYS", "*:readers").splitlines()) == 2)
    living = times_to_live(own_redis)
    assert len(living) >= 7
    assert all(0 < seconds < 3_601 for seconds in living.values()), living
    value.done()
    empty.done()
    await until(lambda: log.status == "done")
    await until(lambda: own_redis.cli("HGET", stream_keys(empty.id)[0], "status") == "done")
    for name in (value.id, empty.id):
        for key in stream_keys(name):
            assert settings.retain - 5 < times_to_live(own_redis)[key] <= settings.retain


async def test_redis_keeps_little_more_than_the_value(own_redis, on_own, monkeypatch):
    monkeypatch.setattr(settings, "store_log", 2_000)
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    here, there = on_own(), on_own()
    text: StreamableValue[str] = StreamableValue("")
    table: StreamableValue[dict[str, int | str]] = StreamableValue({"rows": 0, "pad": "x" * 500})
    for value in (text, table):
        here.add(value.id, value.log)
    logs = [await there.open(value.id) for value in (text, table)]
    for number in range(150):
        text.append(f"{number} of many. ")
        table.update({**table.value, "rows": number})
        # Each is an entry of its own: nothing merges on the way.
        await until(lambda: logs[0].offset == text.log.offset)
        await until(lambda: logs[1].offset == table.log.offset)
    for value, log in zip((text, table), logs, strict=True):
        assert log.value == value.value
        kept = json.loads(own_redis.cli("--json", "XRANGE", log_key(value.id), "-", "+"))
        size = sum(len(fields[1]) for _, fields in kept)
        assert size < 4 * len(json.dumps(value.value)) + 2_500
        value.done()


async def test_a_password_is_in_no_log_and_no_error(caplog, monkeypatch):
    monkeypatch.setattr(settings, "store_patience", 0.3)
    with redis_server("--requirepass", "right-secret") as server:
        url = f"redis://:wrong-secret@127.0.0.1:{server.port}/0"
        engine = RedisEngine(url)
        store = Store(engine)
        value = StreamableValue("a")
        store.add(value.id, value.log)
        with pytest.raises(StoreUnavailableError) as caught:
            await store.open("anything")
        await until(lambda: "Redis cannot be written to" in caplog.text)
        value.done()
        await engine.close()
    assert "secret" not in caplog.text + str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("url", ["http://:secret@x", "localhost:6379", ""])
def test_what_is_no_address_is_refused_without_its_password(url):
    with pytest.raises(ValueError, match="begins with one of") as caught:
        Server(url)
    assert "secret" not in str(caught.value)


def test_an_engine_serves_one_event_loop_after_the_other(redis):
    engine = RedisEngine(redis.url)
    store = Store(engine)
    early = StreamableValue("made before there was a loop")
    store.add(early.id, early.log)

    async def round_trip(text: str) -> None:
        value = StreamableValue(text).done()
        store.add(value.id, value.log)
        reader = RedisEngine(redis.url)
        log = await Store(reader).open(value.id)
        assert (log.value, log.status) == (text, "done")
        await reader.close()
        await engine.close()
        assert [t for t in asyncio.all_tasks() if t.get_name().startswith("streamui")] == []

    asyncio.run(round_trip("first"))
    asyncio.run(round_trip("second"))
    early.done()


async def test_any_thread_may_write(apart):
    here, there = apart(), apart()
    values = [StreamableValue("") for _ in range(4)]

    def write(value: StreamableValue[str]) -> None:
        here.add(value.id, value.log)
        for number in range(2_000):
            value.append(f"{number} ")
        value.done()

    here.start()
    threads = [threading.Thread(target=write, args=[value]) for value in values]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        await asyncio.sleep(0.01)
    for value in values:
        log = await there.open(value.id)
        await until(lambda log=log: log.status == "done")
        assert log.value == value.value


async def test_another_threads_loop_may_ask(redis, processes):
    here, there = processes(), processes()
    value = StreamableValue("a").done()
    here.add(value.id, value.log)
    here.grant(value.id, "page")
    assert (await there.open(value.id)).value == "a"

    def ask() -> str:
        async def both() -> str:
            assert await there.granted(value.id, "page")
            return (await there.open(value.id)).value

        return asyncio.run(both())

    assert await asyncio.to_thread(ask) == "a"


async def test_hundreds_of_commands_that_wait_need_few_connections(own_redis, on_own):
    store = on_own()
    own_redis.cli("CLIENT", "PAUSE", "500", "WRITE")
    await asyncio.gather(*(store.tell({"number": number}) for number in range(300)))
    assert len(own_redis.cli("CLIENT", "LIST").splitlines()) < 30


async def test_short_streams_leave_nothing_behind(own_redis, on_own, monkeypatch):
    monkeypatch.setattr(settings, "retain", 0.3)
    here, there = on_own(), on_own()
    first = StreamableValue("first").done()
    here.add(first.id, first.log)
    assert (await there.open(first.id)).status == "done"
    descriptors = len(os.listdir("/proc/self/fd"))
    logs = []
    for _ in range(10):
        values = [StreamableValue("short") for _ in range(100)]
        for value in values:
            here.add(value.id, value.log)
            here.grant(value.id, "page")
        logs = await asyncio.gather(*(there.open(value.id) for value in values))
        for value in values:
            value.append("!").done()
        await until(lambda logs=logs: all(each.value == "short!" for each in logs))
    logs.clear()
    assert len(os.listdir("/proc/self/fd")) < descriptors + 20
    await until(lambda: int(own_redis.cli("DBSIZE")) <= 3)  # the orders, the lease, a wake-up
    last = StreamableValue("last").done()
    here.add(last.id, last.log)
    assert (await there.open(last.id)).value == "last"
    for engine in on_own.engines:
        outboxes = engine._publisher._outboxes.values()
        await until(lambda boxes=outboxes: sum(len(box._publications) for box in boxes) <= 1)
        await until(lambda engine=engine: len(engine._follower._followed) <= 1)
        assert not any(len(tail._streams) > 1 for tail in engine._follower._tails.values())
    assert len(here) <= 1


class Broken(Reference):
    def handle(self):
        raise ValueError("no handle, and a secret sk-abcdefghijkl")


async def test_a_stream_that_cannot_be_written_fails_alone(processes, caplog):
    here, there = processes(), processes()
    broken, sound = StreamableValue("fine so far"), StreamableValue("a")
    for value in (broken, sound):
        here.add(value.id, value.log)
    log = await there.open(broken.id)
    broken.log.set([Broken()])
    sound.append("b").done()
    await until(lambda: log.status == "error" and broken.closed)
    assert log.failure == broken.failure
    assert log.value == "fine so far"
    other = await there.open(sound.id)
    await until(lambda: other.status == "done")
    assert other.value == "ab"
    assert "A stream could not be written" in caplog.text
    assert "sk-abcdefghijkl" not in caplog.text


async def test_an_entry_that_makes_no_sense_ends_its_stream_alone(redis, processes, monkeypatch):
    monkeypatch.setattr(settings, "store_patience", 0.5)
    here, there = processes(), processes()
    value, sound = StreamableValue("a"), StreamableValue("b")
    for each in (value, sound):
        here.add(each.id, each.log)
    log, other = await there.open(value.id), await there.open(sound.id)
    redis.cli("XADD", log_key(value.id), "99999-0", "change", '{"from":7,"append":"x"}')
    await until(lambda: log.status == "error")
    assert log.failure is not None and log.failure.code == "internal"
    value.append("refused")
    await until(lambda: value.closed)
    assert value.error_code == "unavailable"
    sound.done()
    await until(lambda: other.status == "done")
