"""However reading ends, the provider's connection is closed, and soon."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

from streamui.errors import StreamCancelledError
from streamui.models.demo import DemoServer
from streamui.models.model_events import model_events
from streamui.models.reader import ModelEvents
from streamui.streamable.scope import current_scope

STALL = "Write 100 words about tea as fast as you can, stall after 5 words"
SLOW = "Write 1000 words about tea at 200 words per second"
SOON = 0.3


@pytest.fixture
def gone(demo: DemoServer, until: Any) -> Any:
    """Wait until the client of the newest stream has left it."""
    before = demo.stats().disconnected_by_client

    async def wait() -> None:
        await until(lambda: demo.stats().disconnected_by_client > before, limit=SOON)

    return wait


async def opened(client: AsyncOpenAI | OpenAI, api: str, question: str) -> Any:
    def ask() -> Any:
        if api == "chat":
            messages: Any = [{"role": "user", "content": question}]
            return client.chat.completions.create(model="m", messages=messages, stream=True)
        if api == "helper":
            return client.responses.stream(model="m", input=question)
        return client.responses.create(model="m", input=question, stream=True)

    if isinstance(client, OpenAI):
        return await asyncio.to_thread(ask)
    made = ask()
    return made if api == "helper" else await made


async def first_text(events: ModelEvents) -> None:
    async for event in events:
        if event.type == "text-delta":
            return


@pytest.fixture(params=["async", "blocking"])
def any_client(request: pytest.FixtureRequest, demo: DemoServer) -> Iterator[Any]:
    """A client of either kind."""
    if request.param == "blocking":
        with OpenAI(
            api_key="none",
            base_url=demo.base_url,
            max_retries=0,
            http_client=httpx2.Client(verify=False),
        ) as made:
            yield made
    else:
        yield request.getfixturevalue("client")


apis = pytest.mark.parametrize("api", ["responses", "chat", "helper"])
questions = pytest.mark.parametrize("question", [STALL, SLOW], ids=["stalled", "writing"])


@apis
@questions
async def test_fault_37_aclose_hangs_up(
    any_client: Any, gone: Any, api: str, question: str
) -> None:
    events = model_events(await opened(any_client, api, question))
    await first_text(events)
    await events.aclose()
    await gone()
    await events.aclose()


@apis
@questions
async def test_fault_37_breaking_off_hangs_up(
    any_client: Any, gone: Any, api: str, question: str
) -> None:
    async for event in model_events(await opened(any_client, api, question)):
        if event.type == "text-delta":
            break
    await gone()


@apis
async def test_fault_37_cancelling_hangs_up(any_client: Any, gone: Any, api: str) -> None:
    events = model_events(await opened(any_client, api, STALL))
    await first_text(events)

    async def read() -> None:
        async for _ in events:
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await gone()


async def test_an_exception_in_the_loop_hangs_up(any_client: Any, gone: Any) -> None:
    async def read() -> None:
        async for event in model_events(await opened(any_client, "responses", STALL)):
            if event.type == "text-delta":
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read()
    await gone()


async def test_async_with_hangs_up(any_client: Any, gone: Any) -> None:
    async with model_events(await opened(any_client, "chat", STALL)) as events:
        await first_text(events)
    await gone()


async def test_fault_38_a_stream_never_read_is_closed(any_client: Any, gone: Any) -> None:
    events = model_events(await opened(any_client, "responses", STALL))
    del events
    await gone()


class Run:
    """A scope that remembers what it has to close."""

    def __init__(self) -> None:
        self.open: list[Any] = []

    def adopt(self, opened: object) -> bool:
        self.open.append(opened)
        return True

    def release(self, opened: object) -> None:
        self.open.remove(opened)

    def stop(self) -> None:
        pass

    async def close(self) -> None:
        for each in list(self.open):
            await each.aclose()


async def test_fault_37_a_run_that_ends_hangs_up_while_somebody_waits(
    any_client: Any, gone: Any
) -> None:
    run = Run()
    token = current_scope.set(run)
    events = model_events(await opened(any_client, "responses", STALL))
    current_scope.reset(token)
    await first_text(events)

    async def read() -> None:
        async for _ in events:
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await run.close()
    await gone()
    with pytest.raises(StreamCancelledError):
        await reading


async def test_a_run_does_not_keep_what_was_left(any_client: Any, gone: Any) -> None:
    run = Run()
    token = current_scope.set(run)
    async for event in model_events(await opened(any_client, "responses", STALL)):
        if event.type == "text-delta":
            break
    current_scope.reset(token)
    await gone()
    await run.close()


async def test_a_run_forgets_what_has_ended() -> None:
    run = Run()
    token = current_scope.set(run)
    events = model_events(["tea"])
    current_scope.reset(token)
    assert len(run.open) == 1
    assert [event.type async for event in events][-1] == "finish"
    assert not run.open


async def test_fault_38_a_stop_before_the_first_event_and_twice_is_harmless(
    any_client: Any, gone: Any
) -> None:
    events = model_events(await opened(any_client, "responses", STALL))
    await asyncio.gather(events.aclose(), events.aclose())
    await gone()
    await events.aclose()
    with pytest.raises(StreamCancelledError):
        await anext(events)


async def test_fault_38_a_stop_before_there_is_a_connection_is_harmless(
    client: AsyncOpenAI, demo: DemoServer, until: Any
) -> None:
    events = model_events(lambda: opened(client, "responses", STALL))
    await events.aclose()
    with pytest.raises(StreamCancelledError):
        await anext(events)
    before = demo.stats().requests
    events = model_events(lambda: opened(client, "responses", STALL))
    reading = asyncio.create_task(first_text(events))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await until(lambda: demo.stats().open == 0)
    assert demo.stats().requests <= before + 1


async def test_fault_38_a_stop_after_the_end_is_harmless(client: AsyncOpenAI) -> None:
    stream = await opened(client, "responses", "Write 5 words about tea flat out")
    events = model_events(stream)
    heard = [event.type async for event in events]
    await events.aclose()
    await events.aclose()
    assert heard[-1] == "finish"
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_what_was_closed_never_looks_done() -> None:
    events = model_events(["tea", "cake"])
    await anext(events)
    await events.aclose()
    for _ in range(2):
        with pytest.raises(StreamCancelledError):
            await anext(events)


async def test_a_closed_generator_runs_its_finally() -> None:
    steps: list[str] = []

    async def words() -> AsyncIterator[str]:
        try:
            yield "tea"
            await asyncio.Event().wait()
        finally:
            steps.append("closed")

    events = model_events(words())
    await first_text(events)
    await events.aclose()
    assert steps == ["closed"]


async def test_a_blocking_generator_is_closed_in_its_thread() -> None:
    threads: list[str] = []

    def words() -> Iterator[str]:
        try:
            while True:
                yield "tea"
        finally:
            threads.append(threading.current_thread().name)

    events = model_events(words())
    await first_text(events)
    await events.aclose()
    assert threads == ["streamui model stream"]


async def test_a_slow_consumer_makes_the_provider_wait() -> None:
    made = 0

    async def words() -> AsyncIterator[str]:
        nonlocal made
        while True:
            made += 1
            yield "tea"

    events = model_events(words())
    await first_text(events)
    for _ in range(50):
        await asyncio.sleep(0)
    assert made < 200
    await events.aclose()


async def test_a_blocking_stream_leaves_the_loop_free() -> None:
    go_on = threading.Event()

    def words() -> Iterator[str]:
        yield "tea"
        go_on.wait(5)
        yield "cake"

    events = model_events(words())
    await first_text(events)
    reading = asyncio.create_task(first_text(events))
    await asyncio.sleep(0)
    assert not reading.done()
    go_on.set()
    await reading
    await events.aclose()


async def test_nothing_is_left_behind(any_client: Any, gone: Any, until: Any) -> None:
    events = model_events(await opened(any_client, "responses", STALL))
    await first_text(events)
    await events.aclose()
    await gone()
    del events
    gc.collect()
    await until(lambda: not any(t.name == "streamui model stream" for t in threading.enumerate()))
    await until(lambda: len(asyncio.all_tasks()) == 1)


async def test_a_finished_stream_gives_its_connection_back(
    client: AsyncOpenAI, demo: DemoServer
) -> None:
    for _ in range(3):
        stream = await opened(client, "responses", "Write 5 words about tea flat out")
        assert [event.type async for event in model_events(stream)][-1] == "finish"
    pool: Any = client._client._transport  # pyright: ignore[reportPrivateUsage]
    assert len(pool._pool.connections) == 1
