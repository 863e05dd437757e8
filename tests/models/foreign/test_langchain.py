"""What only LangChain has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from openai import AsyncOpenAI

from streamui.errors import ModelError
from streamui.models.events import ModelEvent
from streamui.models.model_events import model_events
from tests.models.foreign.libraries import get_weather, langchain_model

WRITE = "Write 5 words about tea flat out"


async def read(stream: Any) -> list[ModelEvent]:
    return [event async for event in model_events(stream)]


def text(events: list[ModelEvent]) -> str:
    return "".join(event.delta for event in events if event.type == "text-delta")


def fake(*answers: str) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage(answer) for answer in answers]))


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_model_leaves_its_calls_to_whoever_asked(client: AsyncOpenAI, api: str) -> None:
    model = langchain_model(client, api).bind_tools([tool(get_weather)])
    events = await read(model.astream("What is the weather in Rome? flat out"))
    [call] = [event for event in events if event.type == "tool-call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Rome"})
    assert events[-1].type == "finish" and events[-1].reason == "tool-calls"


async def test_a_model_for_tests_ends_well_without_a_finish_reason() -> None:
    events = await read(fake("Hello there").astream("?"))
    assert text(events) == "Hello there"
    assert events[-1].type == "finish" and events[-1].reason == "stop"


async def test_a_blocking_stream_is_read_too() -> None:
    def write() -> Iterator[Any]:
        yield from fake("Hello there").stream("?")

    assert text(await read(write())) == "Hello there"


async def test_a_chain_that_gives_text_is_read_as_text(client: AsyncOpenAI) -> None:
    chain = langchain_model(client, "chat") | StrOutputParser()
    assert len(text(await read(chain.astream(WRITE))).split()) == 5
    events = await read(chain.astream_events(WRITE, version="v2"))
    assert len(text(events).split()) == 5 and events[-1].type == "finish"


async def test_models_that_write_at_once_have_parts_of_their_own() -> None:
    both = RunnableParallel(one=fake("a b c"), two=fake("d e f"))
    events = await read(both.astream_events("?", version="v2"))
    written: dict[str, str] = {}
    for event in events:
        if event.type == "text-delta":
            written[event.id] = written.get(event.id, "") + event.delta
    assert sorted(written.values()) == ["a b c", "d e f"]
    assert [event.type for event in events].count("text-end") == 2
    assert [event.type for event in events].count("finish") == 1


async def test_a_tool_that_fails_has_a_result_with_a_code() -> None:
    @tool
    def fail(city: str) -> str:
        """Fail."""
        raise RuntimeError("sk-secret123456")

    async def run(_: str) -> str:
        call = {"type": "tool_call", "id": "c", "name": "fail", "args": {"city": "Rome"}}
        try:
            await fail.ainvoke(call)  # pyright: ignore[reportArgumentType]
        except RuntimeError:
            return "sorry"
        return "never"

    events = await read(RunnableLambda(run).astream_events("?", version="v2"))
    [result] = [event for event in events if event.type == "tool-result"]
    assert (result.name, result.code, result.result) == ("fail", "failed", None)
    assert "secret" not in repr(result)


async def test_an_exception_of_ones_own_is_a_model_error() -> None:
    async def run(_: str) -> str:
        raise KeyError("mine")

    with pytest.raises(ModelError) as raised:
        await read(RunnableLambda(run).astream_events("?", version="v2"))
    assert raised.value.code == "failed"


def test_no_library_is_loaded_for_another() -> None:
    code = (
        "import sys, streamui, streamui.models.model_events, streamui.models.foreign.failures\n"
        "for each in ('ag_ui', 'langchain', 'openai_agents', 'pydantic_ai'):\n"
        "    __import__(f'streamui.models.foreign.{each}')\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'ag_ui', 'agents', 'langchain_core', 'openai', 'pydantic_ai'}, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
