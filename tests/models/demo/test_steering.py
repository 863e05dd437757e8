from __future__ import annotations

import time

import pytest

from streamui.models.demo.answer import answer
from streamui.models.demo.ask import Ask
from streamui.models.demo.steering import DEFAULT_RATE, LONGEST, Steering
from streamui.models.demo.talk import Message


def read(text: str, *names: str) -> tuple[object, ...]:
    steering = Steering.read(text)
    return tuple(getattr(steering, name) for name in names)


def test_a_plain_question_is_left_as_it_is() -> None:
    for question in (
        "Why do people refuse vaccines, and what about 429 rivers?",
        "What is sold at a market stall?",
        "I think first impressions are wrong, but do others fail?",
    ):
        assert Steering.read(question).fault is None
        assert not Steering.read(question).refuse
    question = "Why do people refuse vaccines, and what about 429 rivers?"
    assert Steering.read(question) == Steering(question)


def test_words_and_pace_are_found() -> None:
    text = "Write 300 words about rivers at 60 words per second"
    assert read(text, "words", "rate", "question") == (300, 60.0, "Write 300 words about rivers")


@pytest.mark.parametrize(
    "text", ["a 1,200-word story", "1200 words please", "Write 1200 words", "in 1200 words"]
)
def test_words_are_counted_however_they_are_put(text: str) -> None:
    assert read(text, "words") == (1200,)


@pytest.mark.parametrize("text", ["at full speed", "flat out", "as fast as you can"])
def test_flat_out_means_no_delay(text: str) -> None:
    assert read(f"Write 10 words about tea {text}", "rate", "words") == (None, 10)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("at 60 words per second", 60.0),
        ("at 2.5 words a second", 2.5),
        ("at 1,000 tokens/s", 1000.0),
        ("at 0 words per second", DEFAULT_RATE),
        ("", DEFAULT_RATE),
    ],
)
def test_the_pace_is_read(text: str, rate: float) -> None:
    assert read(f"Write 10 words {text}", "rate") == (rate,)


def test_tokens_have_a_count_and_a_length() -> None:
    text = "Write 2000 tokens of 5 characters at 200 tokens per second"
    assert read(text, "tokens", "characters", "rate", "words") == (2000, 5, 200.0, None)


@pytest.mark.parametrize(
    ("text", "fault", "after"),
    [
        ("fail with 429 after 20 words", "status", 20),
        ("fail with 429", "status", 0),
        ("fail with a 503 after 0 words", "status", 0),
        ("stall after 20 words", "stall", 20),
        ("cut the connection after 20 words", "cut", 20),
        ("stall", "stall", 0),
        ("cut the connection", "cut", 0),
        ("send nonsense after 5 tokens", "nonsense", 5),
    ],
)
def test_faults_are_found_wherever_they_stand(text: str, fault: str, after: int) -> None:
    for whole in (f"Write 100 words about tea, {text}", f"{text}, write 100 words about tea"):
        assert read(whole, "fault", "after", "words") == (fault, after, 100)
        assert "about tea" in Steering.read(whole).question
        assert text not in Steering.read(whole).question


def test_everything_combines() -> None:
    text = (
        "Think first, then write 100 words about tea at 30 words per second, "
        "fail with 500 after 10 words"
    )
    names = ("think", "words", "rate", "fault", "status", "after")
    assert read(text, *names) == (True, 100, 30.0, "status", 500, 10)


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("fail with 429 once", 1),
        ("fail twice with 503", 2),
        ("fail 3 times with 500 after 2 words", 3),
        ("fail with 429", None),
    ],
)
def test_a_failure_can_pass(text: str, times: int | None) -> None:
    assert read(text, "times") == (times,)


def test_a_429_says_how_long_to_wait() -> None:
    assert read("fail with 429, retry after 121 seconds", "retry_after") == (121.0,)
    assert read("fail with 429", "retry_after") == (1.0,)


@pytest.mark.parametrize("text", ["Refuse to answer", "please refuse", "tea, and refuse", "refuse"])
def test_refusing_is_asked_for(text: str) -> None:
    assert read(text, "refuse") == (True,)


def test_a_huge_request_is_bounded() -> None:
    assert read(f"Write {10**12} words", "words") == (LONGEST,)
    assert read("Write 5 tokens of 9999 characters", "characters") == (100,)


@pytest.mark.parametrize("words", [0, 1, 2, 3, 10, 11, 12, 13, 57, 300, 2_001])
@pytest.mark.parametrize("topic", ["tea", "the history of the Roman empire"])
def test_the_answer_has_exactly_so_many_words(words: int, topic: str) -> None:
    made = answer(Ask((Message("user", f"Write {words} words about {topic}"),)))
    assert len(made.text.split()) == len(made.deltas) == words
    assert words < 20 or topic in made.text


@pytest.mark.parametrize("length", [1, 2, 5, 60])
def test_each_token_has_exactly_so_many_characters(length: int) -> None:
    made = answer(Ask((Message("user", f"Write 500 tokens of {length} characters"),)))
    assert len(made.deltas) == 500
    assert {len(delta) for delta in made.deltas} == {length}
    assert made.text.isascii()


HOSTILE = (
    *("1,", "1 ", " ", "fail ", "stall , ", "at 1", "think first ", ", then", "a\n", "("),
    *("about ", "so ", "the ", "```", "in a ", "and", ".", "1 words "),
)


@pytest.mark.parametrize("text", [*HOSTILE, "Write 5 words, stall{}x", "my name is {}"])
def test_a_hostile_message_takes_no_time(text: str) -> None:
    blanks = " " * 100_000
    text = text.format(blanks) if "{}" in text else (text * 100_000)[:100_000]
    start = time.process_time()
    answer(Ask((Message("user", text), Message("assistant", text), Message("user", text))))
    assert time.process_time() - start < 1.0
