"""What every library's stream comes to, each asked for real; see ``libraries.py``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from streamui.errors import ModelError, StreamCancelledError
from streamui.models.demo import DemoServer
from streamui.models.events import ModelEvent
from streamui.models.model_events import model_events
from tests.models.foreign.libraries import FORECASTS, LIBRARIES, Library, get_weather
from tests.models.wire import deltas

pytestmark = pytest.mark.slow

each = pytest.mark.parametrize("library", LIBRARIES, ids=str)
WRITTEN = ("text-start", "text-delta", "text-end")
THOUGHT = ("reasoning-start", "reasoning-delta", "reasoning-end")
WRITE = "Write 5 words about tea flat out"
CUT_OFF = {
    "/responses": deltas("responses", ["Tea ", "is "]).rpartition(b"data:")[0],
    "/chat/completions": deltas("chat", ["Tea ", "is "]).rpartition(b"data:")[0],
}
"""Answers that stop without their end, while the connection ends as it should."""


async def read(stream: Any) -> list[ModelEvent]:
    return [event async for event in model_events(stream)]


def of(events: list[ModelEvent], *types: str) -> list[Any]:
    return [event for event in events if event.type in types]


def text(events: list[ModelEvent]) -> str:
    return "".join(event.delta for event in of(events, "text-delta"))


@each
async def test_an_answer_is_its_text_and_one_finish(client: AsyncOpenAI, library: Library) -> None:
    events = await read(library.ask(client, WRITE))
    assert len(text(events).split()) == 5
    types = [event.type for event in events if event.type not in ("provider", "text-delta")]
    end = ["finish"] if "AG-UI" in library.name else ["usage", "finish"]  # it tells no usage
    assert types == ["text-start", "text-end", *end]
    assert len({event.id for event in of(events, *WRITTEN)}) == 1
    assert events[-1].type == "finish" and events[-1].reason == "stop"
    for usage in of(events, "usage"):
        assert (usage.output_tokens, usage.total_tokens) == (5, 5 + usage.input_tokens)


@pytest.mark.parametrize("library", [each for each in LIBRARIES if each.reasons], ids=str)
async def test_reasoning_is_told_apart_from_the_text(client: AsyncOpenAI, library: Library) -> None:
    events = await read(library.ask(client, f"{WRITE}, think first"))
    assert len(text(events).split()) == 5
    types = [event.type for event in events if event.type.endswith(("-start", "-end"))]
    assert types == ["reasoning-start", "reasoning-end", "text-start", "text-end"]
    thought = "".join(event.delta for event in of(events, "reasoning-delta"))
    assert "I am a demo" in thought
    ids = [{event.id for event in of(events, *parts)} for parts in (THOUGHT, WRITTEN)]
    assert [len(some) for some in ids] == [1, 1] and ids[0] != ids[1]


@pytest.mark.parametrize("library", [each for each in LIBRARIES if each.tools], ids=str)
async def test_tools_are_called_and_have_results(client: AsyncOpenAI, library: Library) -> None:
    question = "What is the weather in Rome and in Oslo? flat out"
    events = await read(library.ask(client, question))
    calls = of(events, "tool-call")
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Rome"}, {"city": "Oslo"}]
    for call in calls:
        assert call.name == get_weather.__name__
        assert [event.name for event in of(events, "tool-call-start") if event.id == call.id]
        pieces = [event.delta for event in of(events, "tool-call-delta") if event.id == call.id]
        assert json.loads("".join(pieces)) == json.loads(call.arguments)
    results = {each.id: each for each in of(events, "tool-result")}
    assert [results[call.id].result for call in calls] == list(FORECASTS.values())
    assert {each.name for each in results.values()} == {get_weather.__name__}
    assert not any(each.code for each in results.values())
    assert all(forecast in text(events) for forecast in FORECASTS.values())
    assert len(of(events, "finish")) == 1 and events[-1].reason == "stop"  # pyright: ignore[reportAttributeAccessIssue]


@each
@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("fail with 429", {"rate_limited"}),
        (f"{WRITE}, cut the connection after 3 words", {"truncated"}),
        # LangChain tells it in words only, and only where it asks the Responses API.
        (f"{WRITE}, fail with 500 after 3 words", {"server_error", "failed"}),
    ],
    ids=["429", "cut", "error inside"],
)
async def test_a_failure_is_a_model_error(
    client: AsyncOpenAI, library: Library, question: str, codes: set[str]
) -> None:
    in_words_only = "AG-UI" in library.name
    await fails(library.ask(client, question), {"failed"} if in_words_only else codes)


async def fails(stream: Any, codes: set[str]) -> None:
    told: list[ModelEvent] = []
    with pytest.raises(ModelError) as raised:
        async for event in model_events(stream):
            told.append(event)
    assert raised.value.code in codes
    assert told[-1].type == "error" and told[-1].code == raised.value.code
    assert not of(told, "finish")
    assert len(of(told, "text-start")) == len(of(told, "text-end"))


@pytest.mark.parametrize("library", [each for each in LIBRARIES if each.knows_ends], ids=str)
async def test_an_answer_without_its_end_is_not_taken_for_done(
    provider: Any, library: Library
) -> None:
    chat = "chat" in library.name
    client, _ = await provider(CUT_OFF["/chat/completions" if chat else "/responses"])
    await fails(library.ask(client, WRITE), {"truncated"})


SLOW = "Write 2000 words about tea at 200 words per second"
STALL = "Write 100 words about tea flat out, stall after 5 words"
FAST = "Write 50,000 words about tea flat out"


class Watch:
    """Waits until the demo's newest client has gone, and every task that came with it."""

    def __init__(self, demo: DemoServer, until: Any) -> None:
        self.demo, self.until = demo, until
        self.before, self.tasks = demo.stats().disconnected_by_client, asyncio.all_tasks()

    async def left(self) -> None:
        await self.until(lambda: self.demo.stats().disconnected_by_client > self.before)
        await self.until(lambda: asyncio.all_tasks() <= self.tasks)


async def first_words(events: AsyncIterator[ModelEvent]) -> None:
    async for event in events:
        if event.type == "text-delta":
            return


@each
@pytest.mark.parametrize("question", [STALL, FAST], ids=["stalled", "ahead"])
async def test_a_stop_reaches_the_provider(
    client: AsyncOpenAI, demo: DemoServer, until: Any, library: Library, question: str
) -> None:
    watch = Watch(demo, until)
    events = model_events(library.ask(client, question))
    await first_words(events)
    await events.aclose()
    await watch.left()
    with pytest.raises(StreamCancelledError):
        await anext(events)


@each
async def test_leaving_the_loop_reaches_the_provider(
    client: AsyncOpenAI, demo: DemoServer, until: Any, library: Library
) -> None:
    watch = Watch(demo, until)
    await first_words(model_events(library.ask(client, SLOW)))
    await watch.left()
