from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from streamui.errors import ModelError
from streamui.models.demo import DemoServer
from streamui.models.model_events import model_events

pytestmark = pytest.mark.slow


async def heard(client: AsyncOpenAI, question: str, **more: Any) -> tuple[str, list[str]]:
    stream = await client.responses.create(model="m", input=question, stream=True, **more)
    text: list[str] = []
    types: list[str] = []
    async for event in model_events(stream):
        types.append(event.type)
        if event.type == "text-delta":
            text.append(event.delta)
    return "".join(text), types


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("fail with 429", "rate_limited"),
        ("fail with 500", "server_error"),
        ("fail with 529", "overloaded"),
        ("fail with 401", "authentication"),
        ("fail with 418", "bad_request"),
        ("cut the connection", "truncated"),
        ("send nonsense", "malformed"),
    ],
)
@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_fault_comes_after_exactly_so_many_words(
    client: AsyncOpenAI, api: str, fault: str, code: str
) -> None:
    question = f"Write 100 words about tea as fast as you can, {fault} after 20 words"
    said: Any = [{"role": "user", "content": question}]
    stream: Any = await (
        client.responses.create(model="m", input=question, stream=True)
        if api == "responses"
        else client.chat.completions.create(model="m", messages=said, stream=True)
    )
    text: list[str] = []
    with pytest.raises(ModelError) as caught:
        async for event in model_events(stream):
            if event.type == "text-delta":
                text.append(event.delta)
    assert len("".join(text).split()) == 20
    if fault != "fail with 418":
        assert caught.value.code == code


async def test_a_fault_after_the_last_word_still_comes(client: AsyncOpenAI) -> None:
    with pytest.raises(ModelError):
        await heard(client, "Write 3 words flat out, fail with 500 after 3 words")
    text, _ = await heard(client, "Write 3 words flat out, fail with 500 after 4 words")
    assert len(text.split()) == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("fail with 500 after 2 words", openai.InternalServerError),
        ("cut the connection after 2 words", openai.APIConnectionError),
        ("send nonsense after 2 words", json.JSONDecodeError),
    ],
)
async def test_a_whole_answer_has_the_same_faults(
    client: AsyncOpenAI, fault: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await client.responses.create(model="m", input=f"Write 9 words flat out, {fault}")


async def test_a_whole_answer_that_stalls_ends_when_the_client_leaves(
    client: AsyncOpenAI, demo: DemoServer, until: Any
) -> None:
    with pytest.raises(openai.APITimeoutError):
        await client.with_options(timeout=0.1).responses.create(
            model="m", input="Write 9 words flat out, stall after 2 words"
        )
    await until(lambda: demo.stats().open == 0)


async def test_a_failure_at_once_is_an_http_status(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        await heard(client, "Write 9 words, fail with 429, retry after 121 seconds")
    assert caught.value.response.headers["retry-after"] == "121"


async def test_a_failure_that_passes_is_survived_by_retries(client: AsyncOpenAI) -> None:
    question = "Write 9 words flat out, fail with 503 once"
    text, _ = await heard(client.with_options(max_retries=1), question)
    assert len(text.split()) == 9


async def test_the_pace_is_kept(client: AsyncOpenAI) -> None:
    start = time.perf_counter()
    text, _ = await heard(client, "Write 60 words about tea at 200 words per second")
    took = time.perf_counter() - start
    assert len(text.split()) == 60
    assert 59 / 200 <= took < 1.5


async def test_thinking_and_refusing_have_their_events(client: AsyncOpenAI) -> None:
    _, thinking = await heard(client, "Think first, then write 5 words about tea, flat out")
    assert "reasoning-delta" in thinking
    assert thinking.index("reasoning-end") < thinking.index("text-start")
    text, refusing = await heard(client, "Refuse to write about tea, flat out")
    assert not text
    assert "refusal-end" in refusing


async def test_previous_responses_are_remembered(client: AsyncOpenAI) -> None:
    first = await client.responses.create(model="m", input="my name is Ada, flat out")
    question = "What is my name? flat out"
    second = await client.responses.create(model="m", input=question, previous_response_id=first.id)
    assert "Ada" in second.output_text
    third, _ = await heard(client, question, previous_response_id=second.id)
    assert "Ada" in third
    alone = await client.responses.create(model="m", input=question)
    assert "Ada" not in alone.output_text


async def test_conversations_are_kept(client: AsyncOpenAI) -> None:
    talk = await client.conversations.create()
    await heard(client, "my name is Ada, flat out", conversation=talk.id)
    text, _ = await heard(client, "What is my name? flat out", conversation={"id": talk.id})
    assert "Ada" in text


async def test_responses_can_be_had_again_and_forgotten(client: AsyncOpenAI) -> None:
    made = await client.responses.create(model="m", input="Write 3 words flat out")
    assert (await client.responses.retrieve(made.id)).output == made.output
    await client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        await heard(client, "hello", previous_response_id=made.id)
    with pytest.raises(openai.NotFoundError):
        await heard(client, "hello", conversation="conv_unknown")


async def test_what_is_not_stored_is_not_kept(client: AsyncOpenAI) -> None:
    made = await client.responses.create(model="m", input="Write 3 words flat out", store=False)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(made.id)


async def test_the_same_request_gets_the_same_text(client: AsyncOpenAI) -> None:
    for question in ("Tell me about rivers, flat out", "Write 50 words about rivers flat out"):
        assert await heard(client, question) == await heard(client, question)


async def test_the_counts_tell_what_happened(until: Any) -> None:
    server = DemoServer()
    server.start()
    async with AsyncOpenAI(api_key="none", base_url=server.base_url, max_retries=0) as client:
        await heard(client, "Write 3 words flat out")
        with pytest.raises(ModelError):
            await heard(client, "Write 3 words flat out, cut the connection after 1 words")
        stream = await client.responses.create(
            model="m", input="Write 3 words, stall after 1 words", stream=True
        )
        await until(lambda: server.stats().open == 1)
        await stream.close()
        await until(lambda: server.stats().open == 0)
        await until(lambda: server.stats().finished == 1)
        stats = server.stats()
        assert (stats.requests, stats.disconnected_by_client, stats.cut_by_server) == (3, 1, 1)
    await until(lambda: server.stats().connections == 0)
    server.stop()


async def test_stopping_ends_open_streams_and_the_thread() -> None:
    server = DemoServer()
    server.start()
    async with AsyncOpenAI(api_key="none", base_url=server.base_url, max_retries=0) as client:
        question = "Write 50 words, stall after 1 words"
        stream = await client.responses.create(model="m", input=question, stream=True)
        reading = model_events(stream)
        await anext(reading)
        await asyncio.to_thread(server.stop)
        assert not server.alive()
        assert server.stats().open == 0
        await stream.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)


def test_a_blocking_client_is_answered_whole(demo: DemoServer) -> None:
    with OpenAI(api_key="none", base_url=demo.base_url) as client:
        made = client.responses.create(model="m", input="Write 30 words about tea flat out")
        assert len(made.output_text.split()) == 30
        assert client.models.list().data[0].id == "streamui-demo"


def test_it_listens_on_loopback_only(demo: DemoServer) -> None:
    assert demo.base_url.startswith("http://127.0.0.1:")
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex(("127.0.0.1", demo.port)) == 0


def test_it_runs_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "streamui.models.demo", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as alone:
        assert alone.stdout is not None
        address = alone.stdout.readline().strip().removeprefix("OPENAI_BASE_URL=")
        assert httpx.get(f"{address}/models").status_code == 200
        alone.terminate()
