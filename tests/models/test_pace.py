"""Smooth text: cut where people see a boundary, in order, and never far behind the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import streamui as ui
from streamui.errors import ModelError
from streamui.models import pace as pace_module
from streamui.models.demo import DemoServer
from streamui.models.events import ModelEvent, ProviderEvent, TextDelta, TextEnd, TextStart
from streamui.models.pace import Pace, Pacer, measure_of

FAMILY, FLAGS = "👨\u200d👩\u200d👧\u200d👦", "🇩🇪🇫🇷"
TEXTS = [
    "Hello, world! It's 3.14 now, (or not).",
    "東京は首都です。「人口」は約1400万人。",
    f"{FAMILY} family {FLAGS} e\u0301te\u0301",
    "สวัสดีครับ ผมชื่อ",
    "नमस्ते दुनिया क्षत्रिय",
    "안녕하세요 세계",
    "one\n\ntwo\r\nthree",
]


def cut(text: str, pace: Pace, sizes: int = 1) -> list[str]:
    """The pieces of a text that comes in deltas of some characters each."""
    measure, _ = measure_of(pace)
    pieces, buffer = [], ""
    for at in range(0, len(text), sizes):
        buffer += text[at : at + sizes]
        while (size := measure(buffer)) > 0:
            pieces.append(buffer[:size])
            buffer = buffer[size:]
    return [*pieces, *filter(None, [buffer])]


def test_words_are_what_stands_between_blanks() -> None:
    assert cut(TEXTS[0], "word") == [
        *("Hello, ", "world! ", "It's ", "3.14 ", "now, ", "(or ", "not)."),
    ]


def test_without_blanks_each_character_comes_with_its_punctuation() -> None:
    pieces = cut(TEXTS[1], "word")
    assert pieces[:8] == ["東", "京", "は", "首", "都", "で", "す。", "「人"]
    assert pieces[-4:] == ["約", "1400", "万", "人。"]
    assert "วั" in cut(TEXTS[3], "word") and "รั" in cut(TEXTS[3], "word")


def test_what_looks_like_one_character_is_never_cut() -> None:
    assert cut(TEXTS[2], "word") == [f"{FAMILY} ", "family ", f"{FLAGS} ", "e\u0301te\u0301"]
    assert cut(TEXTS[4], "word") == ["नमस्ते ", "दुनिया ", "क्षत्रिय"]


def test_sentences_end_at_their_marks_in_any_script() -> None:
    assert cut("It is 3.14. Or so… “Yes.” Ok", "sentence") == [
        *("It is 3.14. ", "Or so… ", "“Yes.” ", "Ok"),
    ]
    assert cut(TEXTS[1], "sentence") == ["東京は首都です。", "「人口」は約1400万人。"]
    assert cut("- one\n- two\n", "sentence") == ["- one\n", "- two\n"]


@pytest.mark.parametrize("pace", ["word", "sentence"])
def test_what_has_no_boundary_is_cut_all_the_same(pace: Pace) -> None:
    assert max(map(len, cut("x" * 3_000, pace, 7))) <= 500


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("pace", ["word", "sentence"])
def test_the_deltas_do_not_matter(text: str, pace: Pace) -> None:
    text = text.replace("\n\n", "\n").replace("\r\n", "\n")
    assert cut(text, pace, 1) == cut(text, pace, 3) == cut(text, pace, 1000)


@given(st.lists(st.text(max_size=8), max_size=20), st.sampled_from(["word", "sentence"]))
def test_nothing_is_lost_or_reordered(deltas: list[str], pace: Pace) -> None:
    async def told() -> list[ModelEvent]:
        events: list[ModelEvent] = []
        pacer = Pacer(pace, events.append)
        pacer.put(TextStart("a"))
        for number, delta in enumerate(filter(None, deltas)):
            pacer.put(TextDelta("a", delta))
            if number % 3 == 0:
                pacer.put(ProviderEvent("x"))
        pacer.put(TextEnd("a"))
        pacer.flush()
        return events

    events = asyncio.run(told())
    assert "".join(e.delta for e in events if e.type == "text-delta") == "".join(deltas)
    assert events[0] == TextStart("a") and events[-1] == TextEnd("a")


class Clock:
    """The loop's time, moved by the test: timers are called when it passes them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, Callable[[], object], asyncio.Handle]] = []
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: self.now)
        monkeypatch.setattr(loop, "call_at", self._call_at)
        self._loop = loop

    def _call_at(self, when: float, call: Callable[[], object]) -> asyncio.Handle:
        handle = asyncio.Handle(call, (), self._loop)
        self._timers.append((when, call, handle))
        return handle

    def move(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [t for t in self._timers if t[0] <= end and not t[2].cancelled()]:
            first = min(due, key=lambda timer: timer[0])
            self._timers.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end


class Paced:
    """A pacer, its clock, and what it told when."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pace: Pace) -> None:
        self.clock = Clock(monkeypatch)
        self.told: list[tuple[float, str]] = []
        self.pacer = Pacer(pace, self._tell)

    def _tell(self, event: ModelEvent) -> None:
        said = event.delta if event.type == "text-delta" else event.type
        self.told.append((round(self.clock.now - 100, 3), said))

    def write(self, text: str) -> None:
        self.pacer.put(TextDelta("a", text))


async def test_a_gust_is_spread_and_the_first_word_does_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced = Paced(monkeypatch, 0.1)
    paced.write("one two three ")
    assert paced.told == [(0.0, "one ")]
    paced.clock.move(1)
    assert paced.told == [(0.0, "one "), (0.1, "two "), (0.2, "three ")]
    paced.clock.move(5)
    paced.write("four ")
    assert paced.told[-1] == (6.0, "four ")


async def test_with_more_to_show_it_becomes_faster_and_is_never_a_second_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced = Paced(monkeypatch, 0.5)
    for _ in range(20):  # a hundred words per second, for two seconds
        paced.write("word " * 10)
        paced.clock.move(0.1)
    text = ""
    for at, piece in paced.told:
        text += piece
        behind = [n for n in range(20) if n * 0.1 + 1.0 < at - 0.02 and len(text) < 50 * (n + 1)]
        assert not behind
    paced.clock.move(1.0)
    assert sum(len(piece) for _, piece in paced.told) == 1_000


async def test_what_comes_later_does_not_hold_up_a_gust(monkeypatch: pytest.MonkeyPatch) -> None:
    paced = Paced(monkeypatch, 0.5)
    paced.write("old " * 100)
    paced.clock.move(0.5)
    paced.write("new ")
    paced.clock.move(0.53)
    assert "".join(piece for _, piece in paced.told).count("old") == 100


async def test_half_a_word_is_shown_when_the_model_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    paced = Paced(monkeypatch, "word")
    paced.write("one tw")
    paced.clock.move(0.5)
    assert [piece for _, piece in paced.told] == ["one "]
    paced.clock.move(0.6)
    assert paced.told[-1] == (1.0, "tw")


async def test_a_word_that_becomes_whole_waits_for_no_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced = Paced(monkeypatch, "word")
    paced.write("on")
    paced.clock.move(0.3)
    paced.write("e two")
    assert paced.told == [(0.3, "one ")]


async def test_events_wait_for_the_text_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    paced = Paced(monkeypatch, 0.1)
    paced.write("one two th")
    paced.pacer.put(ProviderEvent("by the way"))
    paced.write("ree")
    paced.pacer.put(TextEnd("a"))
    paced.clock.move(1)
    assert [said for _, said in paced.told] == ["one ", "two ", "provider", "three", "text-end"]


async def test_a_flush_shows_all_at_once_and_leaves_no_timer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced = Paced(monkeypatch, 0.1)
    paced.write("one two thr")
    paced.pacer.flush()
    assert [said for _, said in paced.told] == ["one ", "two thr"]
    paced.clock.move(5)
    assert len(paced.told) == 2


async def test_the_text_of_another_part_does_not_join_this_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced = Paced(monkeypatch, 0.0)
    paced.write("on")
    paced.pacer.put(TextDelta("b", "two "))
    paced.clock.move(1)
    assert [said for _, said in paced.told] == ["on", "two "]


async def test_a_function_may_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    paced = Paced(monkeypatch, lambda text: 2 if len(text) >= 2 else 0)
    paced.write("abcde")
    paced.clock.move(0.5)
    assert [said for _, said in paced.told] == ["ab", "cd"]
    with pytest.raises(ValueError, match="pace"):
        measure_of(True)


async def test_an_answer_is_paced_and_ends_soon_after_the_model(
    demo_by_default: DemoServer,
) -> None:
    result = ui.stream_text("Write 20 words about rivers flat out", pace="word")
    pieces = [piece async for piece in result.text_stream]
    assert "".join(pieces) == await result and len(pieces) > 1
    assert all(piece.endswith((" ", "\n")) for piece in pieces[:-1])
    types = [event.type async for event in result]
    assert types[-2:] == ["usage", "finish"]
    assert types.index("text-end") > max(n for n, t in enumerate(types) if t == "text-delta")


async def test_a_failure_flushes_the_text_before_it(demo_by_default: DemoServer) -> None:
    question = "Write 12 words about rivers flat out, cut the connection after 5 words"
    result = ui.stream_text(question, pace=0.2)
    types: list[str] = []
    with pytest.raises(ModelError):
        async for event in result:
            types.append(event.type)
    assert types[-1] == "error" and len(result.text_so_far.split()) == 5


async def test_a_stop_after_the_models_end_shows_the_rest_at_once(
    demo_by_default: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "_BEHIND", 60.0)
    result = ui.stream_text("Write 12 words flat out", pace=5.0)
    while result._generation._steps.done == []:
        await asyncio.sleep(0.002)
    assert len(result.text_so_far.split()) < 12
    result.stop()
    assert len((await result).split()) == 12
    assert await result.finish_reason == "stop"


@pytest.mark.parametrize("error", [KeyError, TimeoutError])
async def test_a_function_that_fails_is_the_answers_error(
    demo_by_default: DemoServer, error: type[Exception]
) -> None:
    def broken(text: str) -> int:
        raise error(text)

    with pytest.raises(error) as raised:
        await ui.stream_text("Write 12 words flat out", pace=broken, timeout=9)
    assert type(raised.value) is error
