from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from streamui.errors import ModelError, NotStreamableError
from streamui.models.events import Finish, TextDelta, TextEnd, TextStart
from streamui.models.model_events import model_events


async def words() -> AsyncIterator[str]:
    for word in ("tea ", "", "and ", "cake"):
        yield word


def blocking_words() -> Iterator[str]:
    yield from ("tea ", "", "and ", "cake")


async def awaited() -> AsyncIterator[str]:
    return words()


@pytest.mark.parametrize("make", [words, blocking_words, awaited, lambda: ["tea ", "and ", "cake"]])
async def test_any_iterable_of_strings_is_text(make: Any) -> None:
    assert [event async for event in model_events(make())] == [
        TextStart("0"),
        TextDelta("0", "tea "),
        TextDelta("0", "and "),
        TextDelta("0", "cake"),
        TextEnd("0"),
        Finish("stop"),
    ]


async def test_no_strings_at_all_is_an_empty_answer() -> None:
    assert [event async for event in model_events([])] == [Finish("stop")]


async def test_something_else_among_the_strings_is_malformed() -> None:
    heard: list[str] = []
    with pytest.raises(ModelError) as caught:
        async for event in model_events(["tea", 7]):
            heard.append(event.type)
    assert caught.value.code == "malformed"
    assert heard == ["text-start", "text-delta", "text-end", "error"]


async def test_what_the_iterable_raises_is_the_cause() -> None:
    problem = ValueError("sk-proj-abcdefghijk")

    async def broken() -> AsyncIterator[str]:
        yield "tea"
        raise problem

    with pytest.raises(ModelError) as caught:
        [event async for event in model_events(broken())]
    assert caught.value.code == "failed"
    assert caught.value.__cause__ is problem
    assert "sk-proj" not in str(caught.value)


@pytest.mark.parametrize("given", ["text", b"bytes", {"a": 1}, 7, None])
def test_what_is_no_stream_is_refused_at_once(given: Any) -> None:
    with pytest.raises(NotStreamableError):
        model_events(given)


def test_a_whole_answer_is_refused_with_a_hint() -> None:
    from openai.types import Model

    with pytest.raises(NotStreamableError, match="stream=True"):
        model_events(Model(id="m", created=1, object="model", owned_by="x"))


async def test_events_of_events_are_the_same() -> None:
    events = model_events(["tea"])
    assert model_events(events) is events
    await events.aclose()


async def test_twenty_thousand_pieces_arrive_in_order() -> None:
    async def many() -> AsyncIterator[str]:
        for number in range(20_000):
            yield f"{number} "

    got = [e.delta async for e in model_events(many()) if e.type == "text-delta"]
    assert got == [f"{number} " for number in range(20_000)]
