from __future__ import annotations

import pytest

from streamui.models.demo.answer import answer
from streamui.models.demo.ask import Ask
from streamui.models.demo.replies import HONESTY, reply
from streamui.models.demo.snippets import LANGUAGES, snippet
from streamui.models.demo.talk import Message
from streamui.models.demo.topic import topic_of

QUESTIONS = [
    "Hello!",
    "What is streamui?",
    "Show me code for the Fibonacci numbers",
    "Compare tea and coffee in a table",
    "Give me a formula",
    "How do I bake bread?",
    "A quotation about rivers, please",
    "Tell me about the sea",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_reply_is_honest_about_being_a_demo(question: str) -> None:
    assert HONESTY in reply(question, ())


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_question_gets_the_same_reply(question: str) -> None:
    assert reply(question, ()) == reply(question, ())


@pytest.mark.parametrize(
    ("question", "piece"),
    [
        ("Show me code for the Fibonacci numbers", "```python\n"),
        ("a rust program", "```rust\n"),
        ("Compare tea and coffee in a table", "| Aspect | Tea | Coffee |"),
        ("the difference between Postgres and MySQL", "| Postgres | MySQL |"),
        ("Give me a formula", "$$"),
        ("How do I bake bread?", "1. **"),
        ("A quotation about rivers, please", "> "),
        ("Tell me about the sea", "]("),
        ("What is streamui?", "| --- | --- |"),
        ("Hello!", "- *"),
    ],
)
def test_the_form_fits_the_question(question: str, piece: str) -> None:
    assert piece in reply(question, ())


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Write 300 words about rivers", "rivers"),
        ("Tell me about the sea, please", "the sea"),
        ("What is the capital of France?", "the capital of France"),
        ("Explain quantum entanglement", "quantum entanglement"),
        ("Please write a short poem about my cat Tom. It is old.", "my cat Tom"),
        ("Compare tea and coffee in a table", "tea and coffee"),
        ("Why is the sky blue?", "this question"),
        ("", "this question"),
        ("???", "this question"),
        ("about **<b>bold</b>** [x](javascript:alert(1))", "b bold /b x javascript"),
    ],
)
def test_the_topic_is_found(question: str, topic: str) -> None:
    assert topic_of(question) == topic


def test_python_that_is_shown_is_python() -> None:
    for task in (
        "fibonacci",
        "primes",
        "sort words",
        "read a file",
        "an http request",
        "stream",
        "",
    ):
        fence, _, code = snippet(task)
        assert fence == "python"
        compile(code, task, "exec")
    assert all(snippet(f"code in {name}")[0] == fence for name, (fence, _) in LANGUAGES.items())


def talk(*said: str) -> tuple[Message, ...]:
    """Messages by turns, the user first; an empty one is answered by the demo itself."""
    messages: tuple[Message, ...] = ()
    for text in said:
        messages = (*messages, Message("user", text))
        messages = (*messages, Message("assistant", answer(Ask(messages)).text))
    return messages


def test_a_name_is_remembered() -> None:
    before = talk("Hello, my name is Ada", "Tell me about the sea")
    assert "**Ada**" in before[1].text
    assert "**Ada**" in reply("What is my name?", before)
    assert "haven't told me" in reply("What is my name?", ())


def test_the_questions_are_remembered() -> None:
    before = talk("Tell me about the sea", "Compare tea and coffee")
    said = reply("What did I ask before?", before)
    assert "*Compare tea and coffee*" in said
    assert "1. Tell me about the sea" in said
    assert "first thing" in reply("What did I ask before?", ())


def test_more_of_the_same_is_about_the_same() -> None:
    before = talk("Tell me about the sea", "continue")
    said = reply("go on", before)
    assert "the sea" in said
    assert said != before[-1].text


def test_shorter_is_shorter() -> None:
    before = talk("Tell me about the sea")
    said = reply("Shorter!", before)
    assert len(said) < len(before[-1].text) / 3
    assert "sea" in said


@pytest.mark.parametrize("question", ["\x00", "😀" * 1000, "about " * 500, "a\nb\u2028c", "\ud83d"])
def test_odd_questions_get_an_answer(question: str) -> None:
    assert answer(Ask((Message("user", question),))).text
