"""A background response: resumed where its stream broke, never asked for twice, really stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

from streamui.errors import ModelError, StreamCancelledError
from streamui.models import background, body, upstream
from streamui.models.client import aclose_default_clients, default_client
from streamui.models.demo import DemoServer
from streamui.models.demo.host import server
from streamui.models.model_events import model_events
from streamui.models.reader import ModelEvents
from streamui.models.resume import resume
from streamui.server.run import Run
from streamui.settings import settings
from streamui.streamable.value import StreamableValue

pytestmark = pytest.mark.slow

SLOW = "Write 1000 words about tea at 200 words per second"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "_FIRST_DELAY", 0.01)


@pytest.fixture
def own() -> Iterator[DemoServer]:
    """A demo model of the test's own, whose counts are the test's."""
    demo = DemoServer()
    demo.start()
    yield demo
    demo.stop()


@pytest.fixture
async def client(own: DemoServer) -> AsyncIterator[AsyncOpenAI]:
    http = httpx2.AsyncClient(verify=False)
    async with AsyncOpenAI(api_key="k", base_url=own.base_url, http_client=http) as made:
        yield made


@pytest.fixture
def blocking(own: DemoServer) -> Iterator[OpenAI]:
    http = httpx2.Client(verify=False)
    with OpenAI(api_key="k", base_url=own.base_url, http_client=http) as made:
        yield made


def ask(client: Any, question: str, **more: Any) -> Any:
    return client.responses.create(model="m", input=question, background=True, stream=True, **more)


async def written(client: AsyncOpenAI, question: str) -> str:
    """What the demo says to this when nothing goes wrong."""
    plain = question.split(", ")[0]
    return (await client.responses.create(model="m", input=f"{plain} flat out")).output_text


async def read(events: ModelEvents) -> tuple[str, list[str]]:
    heard = [event async for event in events]
    text = "".join(event.delta for event in heard if event.type == "text-delta")
    return text, [event.type for event in heard]


@pytest.mark.parametrize("after", [4, 20, 59, 60])
@pytest.mark.parametrize("rate", ["flat out", "at 400 words per second"])
async def test_a_cut_loses_nothing_and_doubles_nothing(
    client: AsyncOpenAI, own: DemoServer, after: int, rate: str
) -> None:
    question = f"Write 60 words about tea, {rate}, cut the connection after {after} words"
    whole = await written(client, question)
    before = own.stats().requests
    text, types = await read(model_events(await ask(client, question)))
    assert text == whole
    assert own.stats().requests == before + 1
    assert types.count("retry") == own.stats().resumed == 60 // after
    assert types.count("text-start") == types.count("text-end") == types.count("finish") == 1
    assert own.stats().cancelled == 0


@pytest.mark.parametrize("fault", ["cut the connection", "send nonsense"])
async def test_a_blocking_client_resumes_too(
    client: AsyncOpenAI, blocking: OpenAI, own: DemoServer, fault: str
) -> None:
    question = f"Write 60 words about tea, flat out, {fault} after 25 words"
    whole = await written(client, question)
    stream = await asyncio.to_thread(ask, blocking, question)
    text, types = await read(model_events(stream))
    assert text == whole
    assert types.count("retry") == own.stats().resumed == 2


@pytest.mark.parametrize("helper", [False, True])
async def test_reasoning_and_the_sdks_helper_are_resumed_too(
    client: AsyncOpenAI, own: DemoServer, helper: bool
) -> None:
    question = "Think first, then write 30 words about tea, flat out, send nonsense after 9 words"
    whole = await written(client, "Write 30 words about tea")
    stream: Any = (
        client.responses.stream(model="m", input=question, background=True)
        if helper
        else ask(client, question)
    )
    text, types = await read(model_events(stream))
    assert text == whole
    assert types.count("reasoning-start") == types.count("reasoning-end") == 1
    assert own.stats().resumed == 3


async def test_what_was_read_before_is_not_told_again(client: AsyncOpenAI) -> None:
    """A server that does not mind the cursor sends everything once more."""
    question = "Write 30 words about tea, flat out, cut the connection after 9 words"
    whole = await written(client, question)
    events = model_events(await ask(client, question))
    await anext(events)
    response: Any = events._upstream.background  # pyright: ignore[reportPrivateUsage]
    id = response.id
    response.open = lambda: client.responses.retrieve(id, stream=True)
    failures = 0
    text = ""
    with pytest.raises(ModelError) as caught:
        async for event in events:
            failures += event.type == "retry"
            text += event.delta if event.type == "text-delta" else ""
    # Each connection is cut after the nine words that are known: it comes no further.
    assert text == " ".join(whole.split()[:9]) + " "
    assert (caught.value.code, failures) == ("truncated", 5)


async def test_resuming_is_bounded(client: AsyncOpenAI, own: DemoServer) -> None:
    events = model_events(await ask(client, "Write 30 words flat out, cut the connection"))
    with pytest.raises(ModelError) as caught:
        await read(events)
    assert caught.value.code == "truncated"
    assert own.stats().resumed == 5
    assert own.stats().cancelled == 0


async def test_a_response_that_the_provider_lost_is_truncated(
    client: AsyncOpenAI, own: DemoServer
) -> None:
    question = "Write 30 words flat out, cut the connection after 5 words"
    events = model_events(await ask(client, question))
    await anext(events)
    assert events.cursor is not None
    await client.responses.delete(events.cursor[0])
    with pytest.raises(ModelError) as caught:
        await read(events)
    assert (caught.value.code, caught.value.retryable) == ("truncated", True)
    assert own.stats().resumed == 0


async def test_a_provider_that_is_gone_for_good_is_truncated(client: AsyncOpenAI) -> None:
    demo = DemoServer()
    demo.start()
    there = client.with_options(base_url=demo.base_url, max_retries=0)
    events = model_events(await ask(there, SLOW))
    while (await anext(events)).type != "text-delta":
        pass
    await asyncio.to_thread(demo.stop)
    with pytest.raises(ModelError) as caught:
        await read(events)
    assert caught.value.code == "truncated"


async def test_an_error_of_the_response_itself_is_not_resumed(
    client: AsyncOpenAI, own: DemoServer
) -> None:
    question = "Write 30 words flat out, fail with 500 after 5 words"
    with pytest.raises(ModelError) as caught:
        await read(model_events(await ask(client, question)))
    assert caught.value.code == "server_error"
    assert own.stats().resumed == 0


async def test_fault_34_a_stall_is_resumed_once_and_then_a_timeout(
    client: AsyncOpenAI, own: DemoServer
) -> None:
    question = "Write 30 words flat out, stall after 5 words"
    events = model_events(await ask(client, question), token_timeout=0.1)
    with pytest.raises(ModelError) as caught:
        await read(events)
    assert caught.value.code == "timeout"
    assert own.stats().resumed == 1


async def test_any_other_stream_is_not_resumed(client: AsyncOpenAI, own: DemoServer) -> None:
    question = "Write 30 words flat out, cut the connection after 5 words"
    stream = await client.responses.create(model="m", input=question, stream=True)
    events = model_events(stream)
    with pytest.raises(ModelError) as caught:
        await read(events)
    assert caught.value.code == "truncated"
    assert own.stats().resumed == 0
    assert events.cursor is None


# -- the cursor ---------------------------------------------------------------------------------


async def test_the_cursor_goes_on_in_another_process(client: AsyncOpenAI, own: DemoServer) -> None:
    """Any number of words may be kept: what follows the cursor is the rest, to the letter."""
    question = "Write 40 words about tea at 300 words per second"
    whole = await written(client, "Write 40 words about tea")
    events = model_events(await ask(client, question))
    kept: list[tuple[tuple[str, int], str]] = []
    text = ""
    async for event in events:
        text += event.delta if event.type == "text-delta" else ""
        assert events.cursor is not None
        kept.append((events.cursor, text))
    assert text == whole
    for (id, after), before in [*random.Random(7).sample(kept, 12), kept[0], kept[-1]]:
        rest = await client.responses.retrieve(id, stream=True, starting_after=after)
        more, types = "", []
        try:
            more, types = await read(model_events(rest))
        except ModelError as error:  # it had been read to its end: there is no rest
            assert (error.code, after) == ("truncated", kept[-1][0][1])
        assert before + more == whole
        assert types[-1:] in (["finish"], [])
    helper = client.responses.stream(response_id=kept[9][0][0], starting_after=kept[9][0][1])
    assert kept[9][1] + (await read(model_events(helper)))[0] == whole


async def test_a_response_that_is_had_again_is_resumed_and_cancelled_too(
    client: AsyncOpenAI, own: DemoServer, until: Any
) -> None:
    question = "Write 60 words about tea, flat out, cut the connection after 25 words"
    whole = await written(client, question)
    stream = await ask(client, question)
    first: Any = await anext(stream)
    await stream.close()
    again = await client.responses.retrieve(first.response.id, stream=True)
    assert (await read(model_events(again)))[0] == whole
    slow = await ask(client, SLOW)
    first = await anext(slow)
    await slow.close()
    async with model_events(client.responses.retrieve(first.response.id, stream=True)) as events:
        await anext(events)
    await until(lambda: own.stats().cancelled == 1)


# -- stopping -----------------------------------------------------------------------------------


async def first_words(events: ModelEvents) -> None:
    async for event in events:
        if event.type == "text-delta":
            return


@pytest.mark.parametrize("how", ["aclose", "break", "cancel", "with"])
@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_fault_37_a_stop_stops_it_at_the_provider(
    client: AsyncOpenAI, blocking: OpenAI, own: DemoServer, until: Any, how: str, kind: str
) -> None:
    stream = await (
        ask(client, SLOW) if kind == "async" else asyncio.to_thread(ask, blocking, SLOW)
    )
    events = model_events(stream)
    await first_words(events)
    assert events.cursor is not None
    id = events.cursor[0]
    if how == "aclose":
        await events.aclose()
        assert own.stats().cancelled == 1  # not soon: it is waited for
    elif how == "with":
        async with events:
            pass
    elif how == "cancel":
        reading = asyncio.create_task(first_words_for_ever(events))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    del events
    await until(lambda: own.stats().cancelled == 1, limit=2)
    assert (await client.responses.retrieve(id)).status == "cancelled"
    await until(lambda: own.stats().open == 0)


async def first_words_for_ever(events: ModelEvents) -> None:
    while True:
        await first_words(events)


async def test_fault_37_a_stopped_run_stops_its_response(
    client: AsyncOpenAI, own: DemoServer, until: Any
) -> None:
    run = Run("State.ask", "page")
    answers: list[StreamableValue[str]] = []

    async def function() -> None:
        answer = StreamableValue("")
        answers.append(answer)
        async for event in model_events(lambda: ask(client, SLOW)):
            if event.type == "text-delta":
                answer.append(event.delta)

    async def emit(_: Any) -> None:
        pass

    driving = asyncio.create_task(run.drive(function, emit))
    await until(lambda: bool(answers and answers[0].value))
    run.stop()
    await driving
    assert (run.status, answers[0].status) == ("cancelled", "cancelled")
    assert own.stats().cancelled == 1


async def test_a_stop_while_it_waits_to_resume_stops_it_too(
    client: AsyncOpenAI, own: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "_FIRST_DELAY", 60.0)
    question = "Write 500 words at 100 words per second, cut the connection after 3 words"
    events = model_events(await ask(client, question))
    async for event in events:
        if event.type == "retry":
            break
    reading = asyncio.create_task(first_words(events))
    await asyncio.sleep(0)
    await events.aclose()
    with pytest.raises(StreamCancelledError):
        await reading
    assert own.stats().cancelled == 1
    assert own.stats().resumed == 0


async def test_fault_38_a_stop_after_the_end_or_twice_asks_the_provider_nothing(
    client: AsyncOpenAI, own: DemoServer, provider: Any, sse: Any
) -> None:
    response = {"id": "resp_1", "background": True, "output": []}
    created = {"type": "response.created", "sequence_number": 0, "response": response}
    completed = {
        "type": "response.completed",
        "sequence_number": 1,
        "response": {**response, "status": "completed"},
    }
    there, made = await provider(sse(created, completed))
    events = model_events(await ask(there, "q"))
    assert (await read(events))[1][-1] == "finish"
    assert events.cursor == ("resp_1", 1)
    await events.aclose()
    await events.aclose()
    assert made.paths == ["/v1/responses"]
    events = model_events(await ask(client, SLOW))
    await first_words(events)
    await asyncio.gather(events.aclose(), events.aclose())
    await events.aclose()
    assert own.stats().cancelled == 1


async def test_an_error_leaves_the_response_to_whoever_comes_back_for_it(
    client: AsyncOpenAI, own: DemoServer
) -> None:
    events = model_events(await ask(client, f"{SLOW}, cut the connection"))
    with pytest.raises(ModelError):
        await read(events)
    await events.aclose()
    assert events.cursor is not None
    assert (await client.responses.retrieve(events.cursor[0])).status == "in_progress"
    assert own.stats().cancelled == 0


async def test_a_cancel_that_fails_is_in_the_log_and_nowhere_else(
    client: AsyncOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "streamui")
    demo = DemoServer()
    demo.start()
    there = client.with_options(base_url=demo.base_url, max_retries=0)
    events = model_events(await ask(there, SLOW))
    await first_words(events)
    await asyncio.to_thread(demo.stop)
    await events.aclose()
    assert "could not be cancelled" in caplog.text


async def test_a_stop_does_not_wait_for_a_provider_that_does_not_answer(
    provider: Any, sse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "stop_grace", 0.1)
    response = {"id": "resp_1", "background": True, "output": []}
    created = {"type": "response.created", "sequence_number": 0, "response": response}
    writing = {"body": (sse(created).encode(),), "end": "hold"}
    there, made = await provider("{", first=(writing,), end="hold")
    events = model_events(await ask(there, "q"))
    await anext(events)
    start = asyncio.get_running_loop().time()
    await events.aclose()
    assert 0.1 <= asyncio.get_running_loop().time() - start < 2
    assert made.paths == ["/v1/responses", "/v1/responses/resp_1/cancel"]
    (cancelling,) = background._cancelling  # pyright: ignore[reportPrivateUsage]
    cancelling.cancel()
    await asyncio.wait([cancelling])


async def test_closing_the_default_clients_waits_for_what_is_being_cancelled(
    no_key: None,
) -> None:
    events = model_events(await ask(default_client(), SLOW))
    await first_words(events)
    del events
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await aclose_default_clients()
    assert server().stats().cancelled == 1


async def test_the_seam_to_the_sdks_client_holds(client: AsyncOpenAI, blocking: OpenAI) -> None:
    """The client, the request and the cursor are attributes of the SDK: an upgrade may move one."""
    question = "Write 3 words flat out"
    created: Any = await ask(client, question)
    assert body.client_of(created) is client
    assert (body.retrieved_id(created), body.starts_after(created)) == (None, None)
    first = await anext(created)
    id = first.response.id
    again = await client.responses.retrieve(id, stream=True, starting_after=4)
    assert (body.retrieved_id(again), body.starts_after(again)) == (id, 4)
    async with client.responses.stream(response_id=id, starting_after=4) as helper:
        assert body.client_of(helper) is client
        assert (body.retrieved_id(helper), body.starts_after(helper)) == (id, 4)
    with ask(blocking, question) as stream:
        assert body.client_of(stream) is blocking
    for stream in (created, again):
        await stream.close()


def test_what_is_no_stream_of_the_sdk_has_no_client() -> None:
    reads: list[Callable[[object], object]] = [body.client_of, body.retrieved_id, body.starts_after]
    for stream in (object(), iter([]), httpx2.Client(verify=False)):
        assert [look(stream) for look in reads] == [None, None, None]


# -- leaving and coming back ----------------------------------------------------------------------

ELSEWHERE = """
import asyncio, sys
import streamui as ui

async def main() -> None:
    text = ""
    async with ui.resume(sys.argv[1], int(sys.argv[2])) as events:
        async for event in events:
            text += event.delta if event.type == "text-delta" else ""
    print(text, end="")

asyncio.run(main())
"""


async def test_whoever_leaves_it_finds_it_written_on_in_another_process(
    client: AsyncOpenAI, own: DemoServer, until: Any
) -> None:
    question = "Write 40 words about tea at 200 words per second"
    whole = await written(client, "Write 40 words about tea")
    events = model_events(await ask(client, question))
    text = ""
    async for event in events:
        text += event.delta if event.type == "text-delta" else ""
        if len(text.split()) > 5:
            break
    cursor = await events.leave()
    assert cursor is not None and cursor == events.cursor
    await until(lambda: own.stats().open == 0)
    assert own.stats().cancelled == 0
    with pytest.raises(StreamCancelledError):
        await anext(events)
    environment = {"OPENAI_BASE_URL": own.base_url, "OPENAI_API_KEY": "none"}
    program = [sys.executable, "-c", ELSEWHERE, cursor[0], str(cursor[1])]
    process = await asyncio.create_subprocess_exec(
        *program, env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE
    )
    rest, _ = await process.communicate()
    assert text + rest.decode() == whole


async def test_it_is_resumed_from_its_beginning_and_cancelled_from_anywhere(
    client: AsyncOpenAI, own: DemoServer, until: Any
) -> None:
    events = model_events(await ask(client, SLOW))
    await first_words(events)
    cursor = await events.leave()
    assert cursor is not None
    again = resume(cursor[0], client=client)
    heard = [await anext(again) for _ in range(3)]
    assert heard[0].provider_event == "response.created"
    await again.aclose()
    await until(lambda: own.stats().cancelled == 1)
    with pytest.raises(ModelError) as caught:
        await read(resume("resp_gone", client=client))
    assert caught.value.code == "not_found"


async def test_leaving_any_other_answer_ends_it(
    client: AsyncOpenAI, own: DemoServer, until: Any
) -> None:
    stream = await client.responses.create(model="m", input=SLOW, stream=True)
    events = model_events(stream)
    await first_words(events)
    assert await events.leave() is None
    await until(lambda: own.stats().disconnected_by_client == 1)
