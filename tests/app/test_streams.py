"""What the page of the live streams makes of the numbers, and what it lets people do."""

import itertools
from typing import Any

import pytest

import streamui as ui
from app.pages.streams import board as board_module
from app.pages.streams.board import (
    LINGERS,
    Watcher,
    allowed,
    in_age,
    in_bytes,
    in_seconds,
    in_words,
    per_second,
)
from app.pages.streams.live import Streams

pytestmark = pytest.mark.slow


@pytest.fixture
def watcher(monkeypatch):
    """One for which a second passes from look to look."""
    times = itertools.count(1000.0)
    real = ui.stats

    def stats():
        found = real()
        object.__setattr__(found, "time", next(times))
        return found

    monkeypatch.setattr(board_module.ui, "stats", stats)
    watcher = Watcher(without="nobody")
    watcher.look()
    return watcher


@pytest.fixture
def text():
    text = ui.StreamableValue("")
    text.handle()
    yield text
    text.cancel()


def stop(number):
    kind: Any = Streams
    kind.event_handlers["stop"].fn(kind(_reflex_internal_init=True), number)


def row_of(board, text) -> Any:
    number = text.log.meter.number if text.log.meter else None
    return next((row for row in board.rows if row.number == number), None)


def test_rates_are_those_of_the_time_since_the_last_look(watcher, text):
    text.append("héllo ")
    first = watcher.look()
    for _ in range(12):
        text.append("word ")
    second = watcher.look()
    third = watcher.look()
    assert [row_of(each, text).rate for each in (first, second, third)] == [0, 12, 0]
    assert (first.rate, second.rate, third.rate) == (1, 12, 0)
    assert (first.data, second.data) == ("7 B/s", "60 B/s")
    assert row_of(third, text).size == "67 B"
    assert [each.tick for each in (first, second, third)] == [2, 3, 4]


def test_the_first_look_has_no_rate(text):
    text.append("all that came before")
    assert Watcher(without="").look().rate == 0


def test_one_that_has_ended_stays_for_a_moment(watcher, text):
    text.append("word ")
    row = row_of(watcher.look(), text)
    assert (row.state, row.name) == ("streaming", "No server function")
    assert row.place.startswith("test_streams.py:")
    text.done()
    states = [[r.state for r in watcher.look().rows if r.number == row.number] for _ in range(9)]
    assert states == [["ended"]] * LINGERS + [[]] * (9 - LINGERS)


def test_the_streams_of_whoever_watches_do_not_count(text):
    text.append("word ")
    everything = Watcher(without="nobody").look()
    without = Watcher(without="").look()  # this stream has no function
    assert row_of(without, text) is None
    assert without.open < everything.open


def test_so_many_are_listed_and_the_rest_counted(watcher):
    made = [ui.StreamableValue("").append("a") for _ in range(board_module.MOST + 5)]
    board = watcher.look()
    assert len(board.rows) == board_module.MOST
    assert board.more == board.open - board_module.MOST >= 5
    for each in made:
        each.done()


def test_numbers_are_said_as_people_say_them():
    assert [in_bytes(n) for n in (0, 999, 1000, 999_949, 999_950, 5e9)] == [
        *("0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "5.0 GB")
    ]
    assert [in_age(s) for s in (0.4, 59.9, 60, 3599, 3600)] == [
        *("0 s", "59 s", "1 min 00 s", "59 min 59 s", "1 h 00 min")
    ]
    assert [in_seconds(s) for s in (0, 0.1234, 0.9999, 12.34)] == [
        "0 ms",
        "123 ms",
        "1.0 s",
        "12.3 s",
    ]
    assert [per_second(*p) for p in ((5, 0), (5, 2), (100, 3))] == [0, 2.5, 33]
    assert in_words([{"done": 1200, "error": 1}, {"cancelled": 2}]) == (
        "1,200 done, 2 stopped, 1 failed"
    )
    assert in_words([]) == "none yet"


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        (None, "stop"),
        ("stop", "stop"),
        ("watch", "watch"),
        ("off", "off"),
        ("", "off"),
        ("1", "off"),
    ],
)
def test_what_is_allowed_is_what_the_setting_says(monkeypatch, setting, wanted):
    monkeypatch.delenv("STREAMUI_DEMO_STREAMS", raising=False)
    if setting is not None:
        monkeypatch.setenv("STREAMUI_DEMO_STREAMS", setting)
    assert allowed() == wanted


@pytest.mark.parametrize(
    ("setting", "status"), [("stop", "cancelled"), ("watch", "streaming"), ("off", "streaming")]
)
def test_the_server_stops_a_stream_only_where_that_is_allowed(monkeypatch, text, setting, status):
    monkeypatch.setenv("STREAMUI_DEMO_STREAMS", setting)
    text.append("word ")
    stop(text.log.meter.number)
    assert text.status == status


@pytest.mark.parametrize("number", ["1", None, -1, 10**9, [1], {}])
def test_a_number_that_is_none_stops_nothing(text, number):
    text.append("word ")
    stop(number)
    assert text.status == "streaming"
