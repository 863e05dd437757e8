"""A provider that is silent for too long: a typed end in time, and its connection closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

from streamui.errors import ModelError
from streamui.models.client import default_client
from streamui.models.demo import DemoServer
from streamui.models.model_events import model_events
from streamui.settings import settings

pytestmark = pytest.mark.slow

CREATED = {"type": "response.created", "response": {"id": "r", "output": []}}
DELTA = {
    "type": "response.output_text.delta",
    "item_id": "m",
    "output_index": 0,
    "content_index": 0,
    "delta": "tea",
}


@pytest.fixture
def deaf() -> Iterator[str]:
    """An address where nobody takes a connection: the queue of those who wait is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting: list[socket.socket] = []
        try:
            for _ in range(8):
                one = socket.socket()
                waiting.append(one)
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            for one in waiting:
                one.close()


async def failure(events: Any) -> tuple[list[Any], ModelError]:
    heard: list[Any] = []
    with pytest.raises(ModelError) as caught:
        async for event in events:
            heard.append(event)
    return heard, caught.value


async def test_fault_34_a_connection_that_is_not_taken_is_a_timeout(
    deaf: str, no_key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", deaf)
    monkeypatch.setattr(settings, "connect_timeout", 0.2)
    monkeypatch.setattr(settings, "model_retries", 0)
    start = asyncio.get_running_loop().time()
    ask = partial(default_client().responses.create, model="m", input="q", stream=True)
    heard, error = await failure(model_events(ask))
    assert error.code == "timeout"
    assert [event.type for event in heard] == ["error"]
    assert 0.2 <= asyncio.get_running_loop().time() - start < 2


async def test_fault_34_an_address_where_nobody_is_is_no_connection(
    no_key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
    monkeypatch.setattr(settings, "model_retries", 0)
    ask = partial(default_client().responses.create, model="m", input="q", stream=True)
    _, error = await failure(model_events(ask))
    assert (error.code, error.retryable) == ("connection", True)


@pytest.mark.parametrize("spoken", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("given", ["argument", "setting"])
async def test_fault_34_a_silence_ends_at_its_deadline_and_the_connection_is_closed(
    provider: Any,
    sse: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    spoken: bool,
    given: str,
) -> None:
    client, made = await provider(sse(CREATED, *([DELTA] if spoken else [])), end="hold")
    stream = await client.responses.create(model="m", input="q", stream=True)
    limits: Any = {"first_token_timeout": 9.0, "token_timeout": 9.0}
    limits["token_timeout" if spoken else "first_token_timeout"] = 0.15
    if given == "argument":
        events = model_events(stream, **limits)
    else:
        for name, value in limits.items():
            monkeypatch.setattr(settings, name, value)
        events = model_events(stream)
    start = asyncio.get_running_loop().time()
    heard, error = await failure(events)
    assert 0.15 <= asyncio.get_running_loop().time() - start < 3
    assert (error.code, error.retryable) == ("timeout", True)
    assert [event.type for event in heard][-2:] == (
        ["text-end", "error"] if spoken else ["provider", "error"]
    )
    async with asyncio.timeout(2):
        await made.left.wait()


async def test_fault_34_a_request_that_is_never_answered_ends_at_its_deadline(
    provider: Any, until: Any
) -> None:
    """It has not even sent its headers: the wait is in ``create``, and the deadline is ours."""
    hang = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        hang.set()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    http = httpx2.AsyncClient(verify=False)
    async with server, AsyncOpenAI(api_key="k", base_url=address, http_client=http) as client:
        ask = partial(client.responses.create, model="m", input="q", stream=True)
        _, error = await failure(model_events(ask, first_token_timeout=0.2))
        assert error.code == "timeout"
        async with asyncio.timeout(2):
            await hang.wait()


async def test_fault_34_a_blocking_client_is_bound_by_the_same_deadline(
    demo: DemoServer, until: Any
) -> None:
    before = demo.stats().disconnected_by_client
    http = httpx2.Client(verify=False)
    with OpenAI(api_key="none", base_url=demo.base_url, http_client=http) as client:
        question = "Write 9 words flat out, stall after 3 words"
        stream = await asyncio.to_thread(
            client.responses.create, model="m", input=question, stream=True
        )
        heard, error = await failure(model_events(stream, token_timeout=0.2))
        assert error.code == "timeout"
        assert sum(event.type == "text-delta" for event in heard) == 3
        await until(lambda: demo.stats().disconnected_by_client > before, limit=2)


async def test_a_silent_model_is_not_asked_again(provider: Any, sse: Callable[..., str]) -> None:
    client, made = await provider(sse(CREATED), end="hold")
    ask = partial(client.responses.create, model="m", input="q", stream=True)
    await failure(model_events(ask, first_token_timeout=0.1))
    assert made.requests == 1


async def test_progress_is_no_silence(provider: Any, sse: Callable[..., str]) -> None:
    """A model that works for long before its first token says so; any event of it counts."""

    async def slowly() -> AsyncIterator[str]:
        for word in "one two three four five six seven eight".split():
            await asyncio.sleep(0.1)
            yield word

    heard = [event.type async for event in model_events(slowly(), token_timeout=0.4)]
    assert heard[-1] == "finish"


async def test_a_slow_reader_is_not_the_providers_silence(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(
        model="m", input="Write 5 words about tea flat out", stream=True
    )
    words = 0
    async for event in model_events(stream, first_token_timeout=0.2, token_timeout=0.2):
        if event.type == "text-delta":
            words += 1
            await asyncio.sleep(0.25)
    assert words == 5


async def test_zero_is_no_deadline(provider: Any, sse: Callable[..., str]) -> None:
    client, _ = await provider(sse(CREATED, DELTA), end="hold")
    stream = await client.responses.create(model="m", input="q", stream=True)
    events = model_events(stream, first_token_timeout=0, token_timeout=0)
    kinds = [(await anext(events)).type for _ in range(3)]
    assert kinds[-1] == "text-delta"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await anext(events)


async def test_the_usage_after_the_end_is_not_waited_for_long(
    provider: Any, sse: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamui.models.reader._AFTERWORD", 0.1)
    choice = {"index": 0, "delta": {"content": "tea"}, "finish_reason": "stop"}
    chunk = {"id": "c", "object": "chat.completion.chunk", "choices": [choice]}
    client, _ = await provider(sse(chunk), end="hold")
    stream = await client.chat.completions.create(model="m", messages=[], stream=True)
    assert [event.type async for event in model_events(stream)][-1] == "finish"


async def test_the_default_client_waits_as_the_settings_say(
    no_key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "connect_timeout", 1.5)
    monkeypatch.setattr(settings, "first_token_timeout", 20.0)
    monkeypatch.setattr(settings, "token_timeout", 30.0)
    monkeypatch.setattr(settings, "model_retries", 7)
    made = default_client()
    assert isinstance(made.timeout, httpx2.Timeout)
    assert (made.timeout.connect, made.timeout.read) == (1.5, 30.0)
    assert made.max_retries == 7
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setattr(settings, "connect_timeout", 0.0)
    monkeypatch.setattr(settings, "token_timeout", 0.0)
    endless = default_client().timeout
    assert isinstance(endless, httpx2.Timeout)
    assert (endless.connect, endless.read) == (None, None)
