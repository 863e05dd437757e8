"""What the layer costs for each piece of text: `python -m benchmarks.layer [--repeats N]`.

Streams come from the demo model over HTTP, as the real one's would. Counted is the processor time
of the thread that reads, so that the demo, which has a thread of its own, costs nothing here.
"""

import argparse
import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import streamui as ui
from benchmarks.report import insert, machine, table, verdicts
from benchmarks.servers import ROOT
from benchmarks.targets import Check

DOCUMENT = ROOT / "docs" / "benchmarks.md"
MARKS = "<!-- layer:start -->", "<!-- layer:end -->"
COUNT = 4_000
QUESTION = f"Write {COUNT:,} tokens of 5 characters flat out"
MOST = 20.0
"""Microseconds that the layer may add to a text delta."""

Way = Callable[[], Awaitable[str]]
"""Reads an answer to its end, and returns its text."""


async def responses() -> Any:
    """Ask by the Responses API."""
    return await ui.default_client().responses.create(
        model=ui.default_model(), input=QUESTION, stream=True
    )


async def chat() -> Any:
    """Ask by Chat Completions."""
    return await ui.default_client().chat.completions.create(
        model=ui.default_model(), messages=[{"role": "user", "content": QUESTION}], stream=True
    )


async def sdk_responses() -> str:
    text = ""
    async for event in await responses():
        if event.type == "response.output_text.delta":
            text += event.delta
    return text


async def sdk_chat() -> str:
    text = ""
    async for chunk in await chat():
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
    return text


async def into(stream: Any) -> str:
    """Read a stream through the layer into a streamable."""
    answer = ui.StreamableValue("")
    async for event in ui.model_events(stream):
        if event.type == "text-delta":
            answer.append(event.delta)
    answer.done()
    return answer.value


async def ours_responses() -> str:
    return await into(await responses())


async def ours_chat() -> str:
    return await into(await chat())


async def ours_stream_text() -> str:
    answer = ui.StreamableValue("")
    await ui.stream_text(QUESTION).into(answer).text
    return answer.value


def pydantic_ai() -> Any:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    provider = OpenAIProvider(openai_client=ui.default_client())
    model = OpenAIResponsesModel(ui.default_model(), provider=provider)
    return Agent(model).run_stream_events(QUESTION)


async def alone_pydantic_ai() -> str:
    text = ""
    async with pydantic_ai() as events:
        async for event in events:
            if event.event_kind == "part_start":
                text += event.part.content
            elif event.event_kind == "part_delta":
                text += event.delta.content_delta
    return text


async def ours_pydantic_ai() -> str:
    return await into(pydantic_ai())


def replay(events: list[Any]) -> Callable[[], AsyncIterator[Any]]:
    """Give events that have been read once more, without what it takes to make them."""

    async def again() -> AsyncIterator[Any]:
        for event in events:
            yield event

    return again


def replayed(events: list[Any]) -> tuple[Way, Way]:
    """Read ready events without the layer, and with it: the layer by itself."""
    again = replay(events)

    async def bare() -> str:
        text = ""
        async for event in again():
            if event.type == "response.output_text.delta":
                text += event.delta
        return text

    async def layer() -> str:
        return await into(again())

    return bare, layer


async def measure(ways: dict[str, Way], repeats: int) -> dict[str, float]:
    """Run all of them turn by turn; gives the microseconds of each for one delta, at best.

    What else the machine does can only add to them.
    """
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            gc.collect()
            begun = time.thread_time()
            text = await way()
            spent = time.thread_time() - begun
            assert len(text) == COUNT * 5, f"{name}: {len(text)} characters"
            if turn:  # the first pays for imports and connections
                seen[name].append(spent / COUNT * 1e6)
    return {name: min(each) for name, each in seen.items()}


async def run(repeats: int) -> tuple[str, list[Check]]:
    """Measure; gives the tables and whether the targets are met."""
    found = await measure(
        {
            "Responses": sdk_responses,
            "Responses, model_events": ours_responses,
            "Responses, stream_text": ours_stream_text,
            "Chat Completions": sdk_chat,
            "Chat Completions, model_events": ours_chat,
            "pydantic-ai": alone_pydantic_ai,
            "pydantic-ai, model_events": ours_pydantic_ai,
        },
        repeats,
    )
    bare, layer = replayed([event async for event in await responses()])
    found |= await measure({"ready events": bare, "ready events, model_events": layer}, repeats)
    rows: list[list[str]] = []
    checks: list[Check] = []
    for name, spent in found.items():
        base, _, ours = name.partition(", ")
        more = spent - found[base]
        added = [f"{more:+.1f} µs", f"{spent / found[base]:.2f}x"] if ours else ["", ""]
        rows.append([base, f"**{ours}**" if ours else "alone", f"{spent:.1f} µs", *added])
        if ours == "model_events" and base != "pydantic-ai":
            checks.append(Check(f"{base}: the layer, for a text delta", more, MOST, "µs"))
    named = ["stream", "read by", "for a delta", "more than alone", "of alone"]
    tables = f"{table(named, rows)}\n{verdicts(checks)}"
    return f"{machine()}\n\n{tables}", checks


def main() -> None:
    """Run the benchmark as the command line says, and write its tables into the docs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layer", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="how often each is read (9)")
    parser.add_argument("--print", action="store_true", help="write nothing")
    options = parser.parse_args()
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):  # never the real one
        os.environ.pop(name, None)
    content, checks = asyncio.run(run(options.repeats))
    print(content)
    if not options.print:
        insert(DOCUMENT, content, MARKS)
    raise SystemExit(not all(check.passed for check in checks))


if __name__ == "__main__":
    main()
