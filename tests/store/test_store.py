import gc
import threading

import pytest

from streamui.errors import StreamNotFoundError
from streamui.settings import settings
from streamui.store.readers import Readers
from streamui.store.store import Store
from streamui.store.store import store as shared
from streamui.streamable.reader import read_streamable
from streamui.streamable.value import StreamableValue


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_stream_is_found_by_its_id_while_it_lives_and_a_while_after():
    clock = Clock()
    store = Store(clock=clock)
    value = StreamableValue("a")
    store.add(value.id, value.log)
    clock.now = 10 * settings.retain
    assert store.find(value.id) is value.log
    value.done()
    clock.now += settings.retain - 1
    assert store.find(value.id) is value.log
    clock.now += 1
    assert store.find(value.id) is None
    assert len(store) == 0


def test_one_that_had_ended_before_expires_too():
    clock = Clock()
    store = Store(clock=clock)
    value = StreamableValue("a").done()
    store.add(value.id, value.log)
    store.add(value.id, value.log)
    assert value.id in store
    clock.now = settings.retain
    assert value.id not in store


def test_a_shorter_time_counts_for_what_has_ended_before(monkeypatch):
    clock = Clock()
    store = Store(clock=clock)
    early, late = StreamableValue("a").done(), StreamableValue("b").done()
    store.add(early.id, early.log)
    monkeypatch.setattr(settings, "retain", 10.0)
    store.add(late.id, late.log)
    clock.now = 10.0
    assert early.id not in store
    assert late.id not in store


async def test_unknown_and_expired_ids_answer_alike():
    clock = Clock()
    store = Store(clock=clock)
    value = StreamableValue("a").done()
    store.add(value.id, value.log)
    clock.now = settings.retain
    answers = set()
    for name in (value.id, "never-heard-of"):
        with pytest.raises(StreamNotFoundError) as caught:
            await store.open(name)
        answers.add(str(caught.value))
    assert len(answers) == 1


async def test_a_handle_reads_from_the_store_when_its_producer_is_gone():
    value = StreamableValue("kept")
    shared.add(value.id, value.log)
    handle = value.handle()
    value.done()
    del value
    gc.collect()
    assert [text async for text in read_streamable(handle)] == ["kept"]


def test_memory_is_what_the_content_takes():
    store = Store()
    value = StreamableValue("")
    store.add(value.id, value.log)
    for _ in range(10_000):
        value.append("x" * 10)
    assert 100_000 <= store.memory <= 2 * 100_000 + 4096


def test_no_listener_stays_behind_after_the_end():
    store = Store()
    value = StreamableValue("")
    store.add(value.id, value.log)
    value.done()
    assert value.log._listeners == ()


def test_ten_thousand_short_streams_leave_nothing():
    clock = Clock()
    store = Store(clock=clock)
    for _ in range(10_000):
        value = StreamableValue("short")
        store.add(value.id, value.log)
        value.done()
    clock.now = settings.retain
    assert "x" not in store
    assert len(store) == 0
    assert store.memory == 0


def test_threads_may_end_streams_while_others_are_added():
    store = Store()
    values = [StreamableValue("a") for _ in range(500)]
    for value in values:
        store.add(value.id, value.log)
    threads = [
        threading.Thread(target=lambda part=values[i::4]: [value.done() for value in part])
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store._ends) == 500


async def test_a_stream_that_lives_for_ever_knows_its_last_readers():
    store = Store()
    value = StreamableValue("a")
    store.add(value.id, value.log)
    for number in range(Readers.most + 100):
        store.grant(value.id, f"page {number}")
        store.grant(value.id, "one that comes again and again")
    assert len(store._readers[value.id]) == Readers.most
    assert not await store.granted(value.id, "page 0")
    assert await store.granted(value.id, "page 200")
    assert await store.granted(value.id, "one that comes again and again")
    value.done()


def test_grants_for_streams_of_other_processes_do_not_pile_up():
    clock = Clock()
    store = Store(clock=clock)
    for number in range(1_000):
        store.grant(f"elsewhere-{number}", "page")
    clock.now = settings.retain
    store.grant("one more", "page")
    assert list(store._readers) == ["one more"]
