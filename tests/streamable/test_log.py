import gc
import json
import threading
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamui.errors import StreamClosedError
from streamui.settings import settings as streamui_settings
from streamui.streamable.json_value import copy_json
from streamui.streamable.log import UNSET, Log
from streamui.streamable.tree import apply_patch
from streamui.streamable.value import StreamableValue

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("xyz", max_size=2), inner),
    max_leaves=12,
)
writes = st.lists(
    st.tuples(st.just("update"), json_values)
    | st.tuples(st.just("append"), st.text("ab😀", max_size=5))
    | st.tuples(st.just("append"), st.lists(json_values, min_size=1, max_size=3)),
    max_size=25,
)


class Reader:
    """A reader as a page is one: a copy of the value, and an offset."""

    def __init__(self):
        self.value, self.offset, self.status = UNSET, 0, "streaming"

    def read(self, log):
        change = log.read(self.offset)
        content = copy_json(change.content)
        if change.kind == "snapshot":
            self.value = content
        elif change.kind == "append":
            self.value = content if self.value is UNSET else self.value + content
        elif change.kind == "patches":
            for patch in content:
                self.value = apply_patch(self.value, patch)
        self.offset, self.status = change.offset, change.status


def write(value, verb, argument):
    log = value.log
    fits = log.value is UNSET or isinstance(log.value, type(argument))
    if verb == "append" and (not fits or not isinstance(argument, str | list)):
        verb = "update"
    getattr(value, verb)(argument)


@settings(max_examples=300, deadline=None)
@given(writes, st.lists(st.booleans(), min_size=25, max_size=25))
def test_every_reader_ends_with_the_same_value_wherever_it_paused(steps, pauses):
    value = StreamableValue()
    sometimes, always, never = Reader(), Reader(), Reader()
    for (verb, argument), pause in zip(steps, pauses, strict=False):
        write(value, verb, argument)
        always.read(value.log)
        assert always.value == value.log.value
        if pause:
            sometimes.read(value.log)
    value.done()
    for reader in (sometimes, always, never):
        reader.read(value.log)
        assert reader.value == value.log.value or value.log.value is UNSET
        assert reader.status == "done"
        assert value.log.read(reader.offset).kind == "nothing"


@settings(max_examples=300, deadline=None)
@given(writes, st.lists(st.sampled_from(["", "copy", "copy and read", "read"]), min_size=25))
def test_a_reader_may_change_between_a_log_and_its_mirror_at_any_offset(steps, pauses):
    value, mirror, reader = StreamableValue(), Log(), Reader()
    for (verb, argument), pause in zip(steps, pauses, strict=False):
        write(value, verb, argument)
        if "copy" in pause:
            mirror.apply(value.log.read(mirror.offset))
            assert (mirror.value, mirror.offset) == (value.log.value, value.log.offset)
        if "read" in pause:
            log = mirror if mirror.offset >= reader.offset and "copy" in pause else value.log
            reader.read(log)
            assert reader.value == log.value
    value.done()
    mirror.apply(value.log.read(mirror.offset))
    reader.read(mirror)
    assert (reader.value, reader.status) == (value.log.value, "done")


def test_a_mirror_reaches_back_as_far_as_what_it_mirrors():
    value = StreamableValue("").append("one").append("two")
    mirror = Log()
    mirror.apply(value.log.read(0))
    assert mirror.read(4).content == value.log.read(4).content == "two"


def test_a_mirror_takes_no_change_that_begins_elsewhere():
    value, mirror = StreamableValue("").append("one"), Log()
    with pytest.raises(ValueError, match="from 1 on, in a log at 0"):
        mirror.apply(value.log.read(1))
    mirror.apply(value.log.read(0))
    mirror.apply(value.log.read(0))  # twice is once
    assert mirror.value == "one"


@given(st.text(), st.integers(-3, 200))
def test_any_offset_gets_the_rest_or_the_whole(text, offset):
    value = StreamableValue("")
    for character in text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"):
        value.append(character)
    value.done()
    whole, change = value.value, value.log.read(offset)
    if change.kind == "append":
        assert whole.endswith(change.content)
        assert change.start + len(change.content) + 1 == change.offset
    elif change.kind == "snapshot":
        assert change.content == whole
    else:
        assert offset >= value.log.offset - 1


def test_a_change_deep_inside_goes_out_as_a_change_at_its_path():
    tree = {"rows": [{"name": f"row {i}", "cells": ["x" * 20] * 10} for i in range(50)]}
    value = StreamableValue(tree)
    before = value.log.offset
    tree["rows"][30]["cells"][4] = "y"
    value.update(tree)
    change = value.log.read(before)
    assert (change.kind, change.content) == ("patches", [[["rows", 30, "cells", 4], "=", "y"]])
    before = change.offset
    tree["rows"][30]["name"] += " and more"
    del tree["rows"][0]["name"]
    value.update(tree)
    assert value.log.read(before).content == [
        [["rows", 0, "name"], "-"],
        [["rows", 30, "name"], "+", " and more"],
    ]


def test_a_reader_too_far_behind_the_patches_gets_one_snapshot():
    value = StreamableValue({"n": 0, "padding": "x" * 1000})
    before = value.log.offset
    for n in range(1000):
        value.update({"n": n, "padding": "x" * 1000})
    change = value.log.read(before)
    assert change.kind == "snapshot"
    assert change.content["n"] == 999
    assert value.log._patch_size <= streamui_settings.patch_log


def test_a_patch_still_in_the_log_is_not_changed_by_a_later_one():
    value = StreamableValue([{"t": "x" * 50}])
    value.update([{"t": "x" * 50 + "a"}])
    start = value.log.offset
    value.append({"t": "new"})
    value.update([{"t": "x" * 50 + "a"}, {"t": "new and longer"}])
    reader = Reader()
    reader.value, reader.offset = [{"t": "x" * 50 + "a"}], start
    reader.read(value.log)
    assert reader.value == value.log.value


def test_a_live_stream_takes_at_most_twice_its_text_and_4_kilobytes():
    streams, tokens = 100, 2000
    tracemalloc.start()
    try:
        values = [StreamableValue("") for _ in range(streams)]
        for i in range(tokens):
            for value in values:
                value.append(f"{i:04} ")
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    text = len(values[0].value)
    assert text == 5 * tokens
    assert used / streams <= 2 * text + 4096
    assert all(value.log.memory <= 2 * text + 4096 for value in values)


def test_nothing_is_written_after_the_end_whoever_still_holds_the_log():
    value = StreamableValue("a").cancel()
    for write in (
        lambda: value.log.append_text("b"),
        lambda: value.log.set("b"),
        lambda: value.log.patch([]),
        lambda: value.log.append_items([1]),
    ):
        with pytest.raises(StreamClosedError):
            write()
    assert (value.value, value.log.offset) == ("a", 2)


def test_what_a_reader_was_given_does_not_change_afterwards():
    value = StreamableValue([{"a": 1}])
    change, seen = value.log.read(0), value.log.value
    value.append({"b": 2})
    value.update([{"a": 2}, {"b": 2}])
    assert change.content == seen == [{"a": 1}]


def test_threads_may_read_an_object_while_another_writes():
    value = StreamableValue({"n": 0})
    done = threading.Event()

    def write():
        for n in range(300):
            value.update({"n": n, **{str(key): key for key in range(n % 50)}})
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        json.dumps(value.value)
    thread.join()
    value.done()


def test_the_garbage_collector_may_end_a_log_from_within_its_own_methods():
    value = StreamableValue("a" * 10)
    log = value.log
    holder: dict[str, Any] = {"value": value}
    holder["self"] = holder  # a cycle: only the collector frees it
    del value, holder
    with log._lock:  # as in the middle of read()
        gc.collect()
    assert log.status == "interrupted"


def test_listeners_hear_every_write_and_may_leave():
    value = StreamableValue("a")
    heard = []
    listener = heard.append
    value.log.listen(listener)
    value.append("b").update("c").done()
    assert len(heard) == 3
    value.log.unlisten(listener)
    assert value.log._listeners == ()


def test_ten_thousand_readers_that_leave_at_once_hold_up_nobody():
    class Reader:
        def wake(self, _):
            pass

    def seconds(count):
        log, readers = StreamableValue("").log, [Reader() for _ in range(count)]
        for reader in readers:
            log.listen(reader.wake)
        begun = time.process_time()
        for reader in readers:
            log.unlisten(reader.wake)
        assert log._listeners == ()
        return time.process_time() - begun

    assert seconds(10_000) < 1


@pytest.mark.slow
def test_a_log_may_end_by_the_garbage_collector_while_somebody_begins_to_listen():
    thresholds = gc.get_threshold()
    try:
        for allocations in range(20):  # the collector runs at one after the other of them
            gc.set_threshold(0)
            value = StreamableValue("a")
            log = value.log

            def leave(log):
                log.unlisten(leave)

            log.listen(leave)
            for _ in range(30):
                log.listen(list[Any]().append)
            holder: dict[str, Any] = {"value": value}
            holder["self"] = holder
            del value, holder
            gc.set_threshold(gc.get_count()[0] + allocations)
            log.listen(print)
            gc.set_threshold(0)
            gc.collect()
            assert log.status == "interrupted"
            assert leave not in log._listeners
            assert print in log._listeners
    finally:
        gc.set_threshold(*thresholds)
