"""What happens when a process dies or Redis does: real processes, a real Redis."""

from __future__ import annotations

import asyncio
import json
import signal
import time

import pytest
from redis.crc import key_slot

from streamui.errors import StoreUnavailableError, StreamClosedError, StreamNotFoundError
from streamui.settings import settings
from streamui.store.redis.engine import RedisEngine
from streamui.store.redis.keys import lease_key, log_key
from streamui.store.store import Store
from streamui.streamable.failure import INTERRUPTED
from streamui.streamable.value import StreamableValue
from tests.store.child import child
from tests.store.conftest import Processes, until
from tests.store.redis_server import RedisServer, redis_cluster

pytestmark = pytest.mark.slow

PRODUCER = """
value = ui.StreamableValue("")
store.add(value.id, value.log)
say(value.id)
try:
    for number in range(1_000_000):
        value.append(f"{number} ")
        await asyncio.sleep(0.01)
except Exception as error:
    say(f"{type(error).__name__} {value.status}")
    await hear()
"""


@pytest.fixture
async def on_own(own_redis):
    """Processes over a Redis of the test's own."""
    made = Processes(own_redis.url)
    yield made
    own_redis.close()  # so that closing them cannot wait for a Redis that is full or paused
    await made.close()


def entries(redis: RedisServer, name: str) -> list[dict]:
    lines = redis.cli("--json", "XRANGE", log_key(name), "-", "+")
    return [json.loads(fields[1]) for _, fields in json.loads(lines)]


async def test_fault_10_an_offset_that_was_never_given_is_a_reset(process):
    here, there = process(), process()
    value = StreamableValue("abc")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    for offset in (10**9, -5):
        change = log.read(offset)
        assert (change.kind, change.content, change.offset) == ("snapshot", "abc", log.offset)
    value.done()


async def test_fault_10_an_expired_stream_is_not_found_by_any_process(processes, monkeypatch):
    monkeypatch.setattr(settings, "retain", 0.3)
    here, there = processes(), processes()
    value = StreamableValue("abc").done()
    here.add(value.id, value.log)
    assert (await there.open(value.id)).value == "abc"
    reader = processes()

    async def found() -> bool:
        try:
            await reader.open(value.id)
        except StreamNotFoundError:
            return False
        return True

    deadline = time.monotonic() + 10
    while await found():
        assert time.monotonic() < deadline
    assert not await here.engine.granted(value.id, "page")


async def test_fault_12_two_that_begin_the_same_stream_at_once_leave_one_producer(apart):
    stores, reader = [apart(), apart()], apart()
    values = [StreamableValue(text) for text in ("a", "b")]
    values[1]._id = values[0].id
    for store, value in zip(stores, values, strict=True):
        store.add(values[0].id, value.log)
    await until(lambda: [value.closed for value in values].count(True) == 1)
    loser = next(value for value in values if value.closed)
    winner = next(value for value in values if value.streaming)
    assert loser.status == "interrupted"
    with pytest.raises(StreamClosedError):
        loser.append("x")
    winner.append(" and on").done()
    log = await reader.open(winner.id)
    await until(lambda: log.status == "done")
    assert log.value == winner.value


async def read_what_a_killed_worker_left(redis: RedisServer, processes: Processes) -> float:
    readers = [processes(), processes()]
    async with child(PRODUCER, redis.url, STREAMUI_LEASE=str(settings.lease)) as producer:
        name = await producer.line()
        logs = [await reader.open(name) for reader in readers]
        await until(lambda: all("20 " in (log.value or "") for log in logs))
        producer.signal(signal.SIGKILL)
        await producer.wait()
    begun = time.monotonic()
    await until(lambda: all(log.status != "streaming" for log in logs), 20)
    took = time.monotonic() - begun
    assert {log.status for log in logs} == {"interrupted"}
    late = await processes().open(name)
    for log in (*logs, late):
        numbers = log.value.split()
        assert numbers == [str(number) for number in range(len(numbers))]
        assert (log.value, log.offset, log.failure) == (late.value, late.offset, INTERRUPTED)
    assert [entry["status"] for entry in entries(redis, name) if "status" in entry] == [
        "interrupted"
    ]
    return took


async def test_fault_13_a_killed_worker_leaves_its_text_and_an_end(redis, processes, monkeypatch):
    monkeypatch.setattr(settings, "lease", 1.0)
    assert await read_what_a_killed_worker_left(redis, processes) < 5


@pytest.mark.slow
async def test_fault_13_the_end_comes_within_15_seconds(redis, processes):
    assert await read_what_a_killed_worker_left(redis, processes) < 15


async def test_fault_16_what_is_written_while_redis_is_gone_arrives_when_it_is_back(
    own_redis, on_own
):
    here, there = on_own(), on_own()
    value, idle = StreamableValue("before "), StreamableValue("idle")
    for each in (value, idle):
        here.add(each.id, each.log)
        here.grant(each.id, "page")
    log, idle_log = await there.open(value.id), await there.open(idle.id)
    own_redis.kill()
    begun = time.monotonic()
    for number in range(1_000):
        value.append(f"{number} ")
    await asyncio.sleep(0.2)  # it is tried, and refused
    ended = StreamableValue("made and ended without Redis").done()
    here.add(ended.id, ended.log)
    assert time.monotonic() - begun < 1  # nothing waits for it
    assert value.streaming
    own_redis.start()
    await until(lambda: log.value == value.value)
    value.append("after").done()
    await until(lambda: log.status == "done")
    assert log.value == value.value
    # It came back empty: all is there again, for whoever asks now.
    late = on_own()
    assert (await late.open(value.id)).value == value.value
    assert (await late.open(ended.id)).value == "made and ended without Redis"
    assert (await late.open(idle.id)).value == "idle"
    assert await late.granted(value.id, "page")
    idle.append("!").done()
    await until(lambda: idle_log.value == "idle!")


async def test_fault_16_whoever_asks_while_redis_is_gone_gets_a_typed_error(
    own_redis, on_own, monkeypatch
):
    monkeypatch.setattr(settings, "store_patience", 0.5)
    store = on_own()
    own_redis.kill()
    begun = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        await store.open("anything")
    with pytest.raises(StoreUnavailableError):
        await store.granted("anything", "page")
    with pytest.raises(StoreUnavailableError):
        await store.tell({"stop_stream": "anything"})
    assert time.monotonic() - begun < 5


async def settled(store: Store, redis: RedisServer) -> None:
    """Wait until all that a process has to write is written."""
    assert isinstance(store.engine, RedisEngine)
    publisher = store.engine._publisher
    await until(lambda: not any(outbox._waiting for outbox in publisher._outboxes.values()))
    await until(lambda: redis.cli("EXISTS", lease_key(publisher._owner)) == "1")
    # The first sign of life has been given; the next one finds what has become of it.
    await until(lambda: all(each.kept for each in _publications(publisher)))


def _publications(publisher):
    return [each for box in publisher._outboxes.values() for each in box._publications.values()]


async def is_there_again(store: Store, name: str, value: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            assert (await store.open(name)).value == value
            return
        except StreamNotFoundError:
            assert time.monotonic() < deadline, "it is lost"


async def test_fault_16_redis_flushed_under_an_idle_stream(own_redis, on_own, monkeypatch):
    monkeypatch.setattr(settings, "lease", 0.8)
    here, there, late = on_own(), on_own(), on_own()
    value = StreamableValue("kept")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    await settled(here, own_redis)
    own_redis.cli("FLUSHALL")
    await is_there_again(late, value.id, "kept", 5)
    value.append(" on").done()
    await until(lambda: log.status == "done")
    assert log.value == "kept on"


async def test_fault_16_redis_flushed_when_all_has_ended(own_redis, on_own, monkeypatch):
    monkeypatch.setattr(settings, "lease", 0.8)
    here, late = on_own(), on_own()
    value = StreamableValue("kept").done()
    here.add(value.id, value.log)
    await settled(here, own_redis)
    own_redis.cli("FLUSHALL")
    await is_there_again(late, value.id, "kept", 5)


async def test_fault_16_one_stream_that_finds_redis_flushed_saves_all_others(own_redis, on_own):
    here, late = on_own(), on_own()
    idle, active = StreamableValue("idle"), StreamableValue("active")
    for value in (idle, active):
        here.add(value.id, value.log)
    await settled(here, own_redis)
    own_redis.cli("FLUSHALL")
    active.append("!")
    await is_there_again(late, idle.id, "idle", settings.lease / 8)  # before the lease shows it
    idle.done()
    active.done()


@pytest.mark.slow
async def test_fault_16_redis_comes_back_with_less_and_the_producer_is_dead(
    own_redis, on_own, monkeypatch
):
    monkeypatch.setattr(settings, "lease", 1.0)
    store = on_own()
    async with child(PRODUCER, own_redis.url, STREAMUI_LEASE="1") as producer:
        log = await store.open(await producer.line())
        await until(lambda: "20 " in (log.value or ""))
        own_redis.cli("SAVE")
        value = log.value
        await until(lambda: len(log.value) > len(value) + 50)
        producer.signal(signal.SIGKILL)
        own_redis.kill()
        own_redis.start()
        value = log.value  # more than Redis has now
        await until(lambda: log.status == "interrupted")
        assert log.value == value


async def test_fault_16_redis_comes_back_as_it_was_a_while_ago(own_redis, on_own):
    here, there = on_own(), on_own()
    value = StreamableValue("one ")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    own_redis.cli("SAVE")
    value.append("two ")
    await until(lambda: log.value == "one two ")
    own_redis.kill()
    value.append("three ")
    own_redis.start()
    assert "DB loaded from disk" in own_redis.log
    await until(lambda: log.value == "one two three ")
    value.done()
    late = await on_own().open(value.id)
    await until(lambda: late.status == "done")
    assert late.value == "one two three "


async def test_fault_17_a_full_redis_is_a_typed_end_for_every_reader(
    own_redis, on_own, monkeypatch
):
    monkeypatch.setattr(settings, "store_patience", 0.5)
    here, there = on_own(), on_own()
    value = StreamableValue("before")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    own_redis.cli("CONFIG", "SET", "maxmemory", "1")
    value.append(" and after")
    await until(lambda: log.status != "streaming" and value.closed)
    for content in (log, value.log):
        assert content.status == "error"
        assert content.failure is not None
        assert content.failure.code == "unavailable"
    assert log.failure == value.failure
    assert value.value == "before and after"  # who reads here keeps everything
    assert log.value == "before"
    with pytest.raises(StreamClosedError):
        value.append("more")


async def test_fault_17_one_that_is_full_for_a_moment_costs_nothing(own_redis, on_own):
    here, there = on_own(), on_own()
    value = StreamableValue("before")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    own_redis.cli("CONFIG", "SET", "maxmemory", "1")
    value.append(" and after").done()
    await asyncio.sleep(0.4)  # long enough for it to be refused
    assert log.status == "streaming"
    own_redis.cli("CONFIG", "SET", "maxmemory", "0")
    await until(lambda: log.status == "done")
    assert log.value == "before and after"


@pytest.mark.slow
async def test_fault_18_a_redis_that_is_slow_for_two_seconds_kills_nothing(
    own_redis, on_own, monkeypatch
):
    monkeypatch.setattr(settings, "lease", 2.0)
    here, there = on_own(), on_own()
    value = StreamableValue("before ")
    here.add(value.id, value.log)
    log = await there.open(value.id)
    own_redis.pause()
    begun = time.monotonic()
    for number in range(110):  # longer than the lease
        value.append(f"{number} ")
        await asyncio.sleep(0.02)
    assert time.monotonic() - begun > 2
    own_redis.go_on()
    await until(lambda: log.value == value.value)
    await asyncio.sleep(settings.lease)  # the time in which a false death would show
    assert (log.status, value.status) == ("streaming", "streaming")
    value.append("after").done()
    await until(lambda: log.status == "done")
    assert log.value == value.value


@pytest.mark.slow
async def test_fault_19_a_producer_that_lost_its_lease_can_write_no_more(
    redis, processes, monkeypatch
):
    monkeypatch.setattr(settings, "lease", 0.8)
    store = processes()
    async with child(PRODUCER, redis.url, STREAMUI_LEASE="0.8") as producer:
        name = await producer.line()
        log = await store.open(name)
        await until(lambda: "20 " in (log.value or ""))
        producer.signal(signal.SIGSTOP)
        await until(lambda: log.status == "interrupted")
        value, stored = log.value, entries(redis, name)
        producer.signal(signal.SIGCONT)
        assert await producer.line() == "StreamClosedError interrupted"
        assert (await processes().open(name)).value == value
        assert entries(redis, name) == stored


@pytest.mark.slow
async def test_a_process_that_was_away_for_less_than_its_lease_goes_on(
    redis, processes, monkeypatch
):
    monkeypatch.setattr(settings, "lease", 2.0)
    store = processes()
    async with child(PRODUCER, redis.url, STREAMUI_LEASE="2") as producer:
        log = await store.open(await producer.line())
        await until(lambda: "20 " in (log.value or ""))
        producer.signal(signal.SIGSTOP)
        await asyncio.sleep(1)
        producer.signal(signal.SIGCONT)
        length = len(log.value)
        await until(lambda: len(log.value) > length + 200)
        assert log.status == "streaming"


@pytest.mark.slow
async def test_fault_16_a_node_of_a_cluster_is_killed_and_restarted():
    with redis_cluster() as cluster:
        processes = Processes(cluster.url)
        here, there = processes(), processes()
        values = [StreamableValue("before ") for _ in range(40)]
        for value in values:
            here.add(value.id, value.log)
        logs = [await there.open(value.id) for value in values]
        node = cluster.nodes[1]
        kept = {key.split(":")[2] for key in node.cli("KEYS", "*:log").splitlines()}
        assert 0 < len(kept) < len(values)
        node.kill()
        for value in values:
            value.append("meanwhile ")
        elsewhere = [
            (value, log) for value, log in zip(values, logs, strict=True) if value.id not in kept
        ]
        await until(lambda: all(log.value == value.value for value, log in elsewhere), 20)
        node.start()
        for value in values:
            value.append("after").done()
        await until(lambda: all(log.status == "done" for log in logs), 30)
        assert {log.value for log in logs} == {"before meanwhile after"}
        await processes.close()


@pytest.mark.slow
async def test_a_slot_that_moves_to_another_node_takes_its_streams_along():
    with redis_cluster() as cluster:
        processes = Processes(cluster.url)
        here, there = processes(), processes()
        value = StreamableValue("before ")
        here.add(value.id, value.log)
        log = await there.open(value.id)
        slot = str(key_slot(log_key(value.id).encode()))
        old = next(
            node for node in cluster.nodes if node.cli("CLUSTER", "COUNTKEYSINSLOT", slot) > "0"
        )
        new = next(node for node in cluster.nodes if node is not old)
        names = [node.cli("CLUSTER", "MYID") for node in (old, new)]
        new.cli("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0])
        old.cli("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1])
        value.append("meanwhile ")
        while keys := old.cli("CLUSTER", "GETKEYSINSLOT", slot, "100").splitlines():
            old.cli("MIGRATE", "127.0.0.1", str(new.port), "", "0", "5000", "KEYS", *keys)
        for node in (new, old, *cluster.nodes):
            node.cli("CLUSTER", "SETSLOT", slot, "NODE", names[1])
        value.append("after").done()
        await until(lambda: log.status == "done")
        assert log.value == "before meanwhile after"
        assert (await processes().open(value.id)).value == log.value
        await processes.close()
