"""The numbers of each stream, and what they add up to."""

import dataclasses
import gc
import json
import pickle
import sys
import threading
import tracemalloc
from typing import Any

import pytest

import streamui as ui
from streamui.settings import settings
from streamui.streamable import meter, quota
from streamui.streamable.totals import BOUNDS, MOST_NAMES, OTHER, Spread
from streamui.streamable.value import StreamableValue
from tests.server.counting import Clock, Function


@pytest.fixture
def function():
    function = Function()
    yield function
    function.end()


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def now(streamable) -> Any:
    """What stats() tells of one open stream."""
    number = streamable.log.meter.number
    return next((each for each in ui.stats(10**6).open if each.number == number), None)


def test_chunks_are_the_writes_that_changed_it_and_bytes_their_utf_8(function):
    text = function.make(StreamableValue, "held already")
    for piece in ("one ", "zwei ä ", "三 ", ""):
        text.append(piece)
    text.update("new €")
    text.update("new €")
    text.append("!")
    assert (text.log.writes, text.log.count_bytes()) == (5, 4 + 8 + 4 + 7 + 1)


def test_what_is_no_text_counts_as_its_json():
    rows = StreamableValue([])
    rows.append(["ä"])
    assert rows.log.count_bytes() == len('"ä",'.encode())
    rows.append([1, {"a": None}])
    assert rows.log.count_bytes() == len('"ä",1,{"a":null},'.encode())
    number = StreamableValue(0)
    number.update(10)
    number.update(True)
    assert (number.log.writes, number.log.count_bytes()) == (2, len("10") + len("true"))
    board = StreamableValue({"a": 1, "text": "x" * 50})
    board.update({"a": 2, "text": "x" * 50})
    assert (board.log.writes, board.log.count_bytes()) == (1, len('[["a"],"=",2]'))
    for each in (rows, number, board):
        each.done()


def test_the_time_to_the_first_chunk_is_from_its_making_to_its_first_change(function, clock):
    status = function.make(StreamableValue, "asking")
    clock.now += 0.5
    status.update("asking")
    assert now(status) is None  # nobody has it, and nothing was written
    status.handle()
    assert now(status).first_chunk is None
    clock.now += 1.5
    status.update("writing")
    clock.now += 1
    status.update("still writing")
    assert now(status).first_chunk == 2.0
    status.done()
    assert (function.totals.first_chunk.count, function.totals.first_chunk.sum) == (1, 2.0)
    assert (function.totals.duration.count, function.totals.duration.sum) == (1, 3.0)


def test_a_stall_is_counted_once_and_shown_while_it_lasts(function, clock):
    text = function.make(StreamableValue, "")
    text.append("a")
    clock.now += settings.stall_after
    assert not now(text).stalled
    clock.now += 0.1
    assert now(text).stalled
    assert function.totals.stalls == 1
    clock.now += 60
    text.append("b")
    text.append("c")
    assert not now(text).stalled
    assert function.totals.stalls == 1
    clock.now += 6
    text.done()
    assert function.totals.stalls == 2


def test_two_threads_that_end_a_stall_count_one(function, clock):
    text = function.make(StreamableValue, "")
    text.append("a")
    clock.now += 60
    for _ in range(2):  # both have seen that it was long in coming
        text.log.count_stall(clock.now)
    text.done()
    assert function.totals.stalls == 1


def test_no_stall_is_counted_where_the_setting_says_never(function, clock, monkeypatch):
    monkeypatch.setattr(settings, "stall_after", 0)
    text = function.make(StreamableValue, "")
    for _ in range(3):
        clock.now += 1000
        text.append("a")
    clock.now += 1000
    assert not now(text).stalled
    text.done()
    assert function.totals.stalls == 0


def test_a_stream_whose_run_waits_for_its_turn_is_no_stalled_one(function, clock):
    text = function.make(StreamableValue, "")
    text.append("a")
    clock.now += 60
    function.run.status = "waiting"
    assert (now(text).status, now(text).stalled) == ("waiting", False)
    function.run.status = "running"
    assert (now(text).status, now(text).stalled) == ("streaming", True)
    text.done()


def test_a_rate_in_no_time_is_zero_and_no_division_by_zero(function, clock):
    text = function.make(StreamableValue, "")
    text.append("abcdef")
    shown = now(text)
    assert (shown.age, shown.chunks_per_second, shown.bytes_per_second) == (0.0, 0.0, 0.0)
    clock.now += 2
    shown = now(text)
    assert (shown.age, shown.chunks_per_second, shown.bytes_per_second) == (2.0, 0.5, 3.0)
    text.done()


def test_ends_are_counted_by_kind_and_code(function):
    function.make(StreamableValue, "").append("a").done()
    function.make(StreamableValue, "").cancel()
    function.make(StreamableValue, "").interrupt()
    function.make(StreamableValue, "").error(ui.ModelError(code="overloaded"))
    function.make(StreamableValue, "").error(ZeroDivisionError())
    totals = function.totals
    assert totals.ends == {
        ("done", ""): 1,
        ("cancelled", ""): 1,
        ("interrupted", "interrupted"): 1,
        ("error", "overloaded"): 1,
        ("error", "internal"): 1,
    }
    shown = ui.stats().functions[function.label].streams
    assert shown.ends == {"done": 1, "cancelled": 1, "interrupted": 1, "error": 2}
    assert shown.errors == {"interrupted": 1, "overloaded": 1, "internal": 1}
    assert (shown.started, shown.open) == (5, 0)


def test_what_never_was_open_to_anybody_is_no_stream(function):
    constant = function.make(StreamableValue, "a").done()
    pickle.loads(pickle.dumps(constant))
    assert function.label not in ui.stats().functions
    counted = function.make(StreamableValue, "a")
    counted.handle()
    assert function.totals.open == 1
    counted.done()
    assert (function.totals.started, function.totals.open) == (1, 0)


def test_one_saved_in_another_process_is_counted_where_it_was_made(function):
    saved = function.make(StreamableValue, "").append("a").error("No.")
    before = ui.stats().streams.started, function.totals
    token = pickle.dumps(saved)
    del saved
    assert pickle.loads(token).status == "error"
    assert (ui.stats().streams.started, function.totals) == before


def test_one_that_nobody_holds_any_more_ends_as_interrupted(function):
    text = function.make(StreamableValue, "").append("a")
    function.run.release(text)
    del text
    assert function.totals.ends == {("interrupted", "interrupted"): 1}
    assert not any(each.function == function.label for each in ui.stats().open)


def test_the_end_of_a_dropped_stream_is_told_later_and_not_by_the_garbage_collector(
    function, monkeypatch
):
    told = []
    meter.tell_ends()
    monkeypatch.setattr(meter, "on_end", [lambda ended: told.append(ended.status)])
    text = function.make(StreamableValue, "").append("a")
    function.run.release(text)
    del text  # Python ends it here, in the middle of anything
    assert function.totals.ends == {("interrupted", "interrupted"): 1}
    assert told == []
    function.make(StreamableValue, "").append("a").done()
    assert told == ["interrupted", "done"]
    assert not meter._untold


def test_counts_never_go_down_while_streams_come_and_go(function):
    seen = [0, 0, 0, 0]
    kept = []

    def look():
        totals = ui.stats().functions.get(function.label)
        if totals is not None:
            streams = totals.streams
            new = [streams.started, streams.chunks, streams.bytes, sum(streams.ends.values())]
            assert all(a <= b for a, b in zip(seen, new, strict=True)), (seen, new)
            seen[:] = new

    for round in range(30):
        look()
        text = function.make(StreamableValue, "x")
        look()
        if round % 3:
            text.append("ä")
            look()
        kept.append(text)
        if round % 2:
            kept.pop(0).done()
        look()
    for text in kept:
        text.done()
    look()


def test_totals_are_exact_with_many_threads(function, monkeypatch):
    shared = function.make(StreamableValue, "")
    before = sys.getswitchinterval()
    stop = threading.Event()
    problems = []

    def write():
        for _ in range(50):
            own = function.make(StreamableValue, "")
            for _ in range(20):
                own.append("ä")
                shared.append("bc")
            own.done()

    def look():
        last = 0
        while not stop.is_set():
            chunks = function.totals.chunks
            problems.extend([(last, chunks)] if chunks < last else [])
            last = chunks

    threads = [threading.Thread(target=write) for _ in range(8)]
    watcher = threading.Thread(target=look)
    sys.setswitchinterval(1e-5)
    try:
        for thread in (*threads, watcher):
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stop.set()
        watcher.join()
        sys.setswitchinterval(before)
    shared.done()
    totals = function.totals
    assert not problems
    assert totals.ends == {("done", ""): 8 * 50 + 1}
    assert totals.chunks == 8 * 50 * 20 * 2
    assert totals.bytes == 8 * 50 * 20 * 4
    assert totals.first_chunk.count == totals.duration.count == totals.started == 401


@pytest.mark.slow
def test_ten_thousand_short_streams_leave_nothing_but_their_sum(function):
    def make(times):
        for _ in range(times):
            text = function.make(StreamableValue, "")
            text.handle()
            text.append("word ").done()

    make(1000)
    gc.collect()
    opened = len(meter._open)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        make(10_000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert function.totals.ends == {("done", ""): 11_000}
    assert len(meter._open) == opened
    assert not meter._untold
    assert grown < 50_000, grown


def test_names_without_end_are_counted_together(monkeypatch):
    monkeypatch.setattr(meter, "_totals", {})
    for number in range(2 * MOST_NAMES):
        function = Function()
        function.label = function.run.label = f"generated{number}"
        text = function.make(StreamableValue, "")
        text.append("a")
        text.done() if number % 2 else text.error(ui.ModelError(code=f"code{number}"))
    totals = meter.stream_totals()
    assert len(totals) == MOST_NAMES + 1
    assert sum(each.started for each in totals.values()) == 2 * MOST_NAMES
    assert totals[OTHER].started == MOST_NAMES


def test_codes_without_end_are_counted_together(function):
    for number in range(2 * MOST_NAMES):
        function.make(StreamableValue, "").error(ui.ModelError(code=f"code{number}"))
    ends = function.totals.ends
    assert len(ends) == MOST_NAMES + 1
    assert ends["error", OTHER] == MOST_NAMES


def test_stats_are_json_and_hold_neither_an_id_nor_content(function):
    text = function.make(StreamableValue, "")
    text.append("my secret words")
    written = json.dumps(dataclasses.asdict(ui.stats()))
    assert function.label in written
    assert '"counting.py:' in written
    assert text.id not in written
    assert "secret" not in written
    assert function.run.id not in written
    text.done()


def test_memory_held_is_that_of_open_streams_and_of_ended_ones_in_the_store(function):
    before = ui.stats().memory
    text = function.make(StreamableValue, "")
    text.append("x" * 1_000_000)
    assert 1_000_000 <= ui.stats().memory - before < 1_100_000
    text.done()
    assert ui.stats().memory - before < 100_000  # nobody was given it


def test_an_open_stream_is_stopped_by_its_number(function):
    text = function.make(StreamableValue, "")
    text._scope = None  # the run of these tests is not driven
    text.append("a")
    number = now(text).number
    assert ui.stop_open(number)
    assert text.status == "cancelled"
    assert not ui.stop_open(number)
    assert not ui.stop_open(0)


def test_what_is_one_too_many_is_counted_by_its_setting(monkeypatch):
    before = ui.stats().refused
    monkeypatch.setattr(settings, "streams_open", len(quota.open_streams) + 1)
    text = StreamableValue("")
    with pytest.raises(ui.LimitError):
        StreamableValue("")
    text.done()
    assert ui.stats().refused == before | {"streams_open": before["streams_open"] + 1}


def test_so_many_streams_are_listed_and_no_more(function):
    made = [function.make(StreamableValue, "").append("a") for _ in range(5)]
    assert len(ui.stats(limit=3).open) == 3
    for each in made:
        each.done()


def test_a_quantile_is_exact_to_the_bucket():
    spread = Spread()
    assert spread.quantile(0.5) is None
    for seconds in (0.0, 0.03, 0.03, 0.03, 1000.0):
        spread.add(seconds)
    assert spread.quantile(0.5) == pytest.approx(0.03, abs=0.01)
    assert spread.quantile(0.99) == BOUNDS[-1]
    assert spread.quantile(0.0) == pytest.approx(0.005, abs=0.005)
    assert spread.count == 5
