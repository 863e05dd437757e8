"""What every reader hears when a producer fails, and what nobody may hear."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from openai import AsyncOpenAI

from streamui.errors import ModelError, StreamUIError
from streamui.models.model_events import model_events
from streamui.server.run import Run
from streamui.streamable.log import Log
from streamui.streamable.reader import read_streamable
from streamui.streamable.value import StreamableValue

Function = Callable[[StreamableValue[Any]], Awaitable[None]]


async def on_page(answer: StreamableValue[Any]) -> Log:
    """Read as a page does: from where it is, and what came since; to the end."""
    seen, news = Log(), asyncio.Event()

    def wake(_: Log) -> None:
        news.set()

    answer.log.listen(wake)
    while seen.status == "streaming":
        news.clear()
        seen.apply(answer.log.read(seen.offset))
        if seen.status == "streaming":
            await news.wait()
    answer.log.unlisten(wake)
    return seen


async def in_python(answer: StreamableValue[Any]) -> tuple[list[Any], BaseException | None]:
    heard: list[Any] = []
    try:
        async for value in read_streamable(answer):
            heard.append(value)
    except Exception as error:  # any: it is what the test looks at
        return heard, error
    return heard, None


async def run(function: Function) -> tuple[StreamableValue[Any], list[Any]]:
    """Run a server function with readers that listen from its start."""
    answers: list[StreamableValue[Any]] = []
    readers: list[asyncio.Task[Any]] = []

    async def body() -> None:
        answer = StreamableValue[Any]()
        answers.append(answer)
        readers.extend(
            asyncio.create_task(read(answer)) for read in (on_page, in_python, in_python)
        )
        await asyncio.sleep(0)
        await function(answer)

    async def emit(_: Any) -> None:
        pass

    await Run("State.ask", "page").drive(body, emit)
    async with asyncio.timeout(5):
        return answers[0], list(await asyncio.gather(*readers))


def told_alike(answer: StreamableValue[Any], heard: list[Any], text: object, code: str) -> str:
    """Every reader, a late one too, has this text and this error; gives its reference."""
    page, *python = heard
    late = Log()
    late.apply(answer.log.read(late.offset))
    for log in (page, late):
        assert log.status == "error"
        assert log.failure is not None and log.failure.code == code
        assert log.failure == answer.log.failure
        assert (log.value if log.is_text else None) == text
    for values, error in python:
        assert values[-1:] == ([] if text is None else [text])
        assert error is answer.log.cause
    handle = answer.handle()
    assert handle["error"]["code"] == code
    assert handle.get("value") == text
    return handle["error"]["reference"]


async def test_fault_30_an_error_before_the_first_op_reaches_every_reader(
    client: AsyncOpenAI,
) -> None:
    async def function(answer: StreamableValue[Any]) -> None:
        await client.responses.create(model="m", input="fail with 401", stream=True)

    answer, heard = await run(function)
    told_alike(answer, heard, None, "authentication")
    values, error = await in_python(answer)
    assert (values, error) == ([], answer.log.cause)


async def test_fault_30_so_does_one_of_the_functions_own() -> None:
    async def function(answer: StreamableValue[Any]) -> None:
        raise ZeroDivisionError

    answer, heard = await run(function)
    told_alike(answer, heard, None, "internal")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cut the connection", "truncated"),
        ("fail with 529", "overloaded"),
        ("send nonsense", "malformed"),
    ],
)
async def test_fault_31_an_error_in_the_middle_keeps_what_was_there_for_every_reader(
    client: AsyncOpenAI, fault: str, code: str
) -> None:
    question = f"Write 100 words about tea at 500 words per second, {fault} after 20 words"

    async def function(answer: StreamableValue[Any]) -> None:
        answer.update("")
        ask = partial(client.responses.create, model="m", input=question, stream=True)
        async for event in model_events(ask):
            if event.type == "text-delta":
                answer.append(event.delta)

    answer, heard = await run(function)
    assert len(answer.value.split()) == 20
    told_alike(answer, heard, answer.value, code)
    values, error = await in_python(answer)
    assert values == [answer.value]
    assert isinstance(error, ModelError)


async def test_fault_31_a_source_that_fails_keeps_what_was_there_for_every_reader() -> None:
    async def words() -> AsyncIterator[str]:
        yield "tea "
        await asyncio.sleep(0)
        raise ValueError("postgres://ada:hunter22@db/app")

    async def function(answer: StreamableValue[Any]) -> None:
        answer.update("")
        async for event in model_events(words()):
            if event.type == "text-delta":
                answer.append(event.delta)

    answer, heard = await run(function)
    told_alike(answer, heard, "tea ", "failed")


SECRETS = {
    "a key": "Incorrect API key provided: sk-proj-aBcD1234efgh5678.",
    "a token": "Bearer eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl refused",
    "a DSN": "could not connect to postgresql://ada:hunter22@db.internal:5432/app",
    "a password": "login failed: password=hunter22 for ada",
}
HIDDEN = ("aBcD1234", "eyJzdWIi", "hunter22")
PATH = "/srv/app/private/settings.py"


@pytest.mark.parametrize("where", ["status", "error event", "failed response", "after text"])
@pytest.mark.parametrize("secret", SECRETS)
async def test_fault_61_a_providers_words_stay_on_the_server_under_a_reference(
    provider: Any, sse: Any, caplog: pytest.LogCaptureFixture, secret: str, where: str
) -> None:
    caplog.set_level(logging.DEBUG, "streamui")
    message = f"{SECRETS[secret]} in {PATH}"
    error = {"code": "server_error", "type": "server_error", "message": message}
    created = {"type": "response.created", "response": {"id": "r", "output": []}}
    delta = {"type": "response.output_text.delta", "item_id": "m", "delta": "tea"}
    failed = {"type": "response.failed", "response": {"id": "r", "error": error}}
    if where == "status":
        client, _ = await provider(json.dumps({"error": error}), status=500)
    elif where == "error event":
        client, _ = await provider(sse(created, {**error, "type": "error"}))
    elif where == "after text":
        client, _ = await provider(sse(created, delta, {**error, "type": "error"}))
    else:
        client, _ = await provider(sse(created, failed))
    shown: list[Any] = []

    async def function(answer: StreamableValue[Any]) -> None:
        answer.update("")
        stream = await client.responses.create(model="m", input="q", stream=True)
        async for event in model_events(stream):
            shown.append(event)

    answer, heard = await run(function)
    reference = told_alike(answer, heard, "", "server_error")
    page = json.dumps([answer.handle(), [repr(event) for event in shown]])
    for words in (*HIDDEN, PATH, message, "Traceback"):
        assert words not in page
    assert ModelError.sentences["server_error"] in page
    assert f"[{reference}]" in caplog.text
    assert PATH in caplog.text  # whoever looks for the cause finds it there
    for words in HIDDEN:
        assert words not in caplog.text


async def test_fault_61_so_does_what_a_function_without_a_streamable_says(
    client: AsyncOpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        raise OSError(f"{SECRETS['a DSN']} in {PATH}")

    async def emit(_: Any) -> None:
        pass

    with pytest.raises(StreamUIError) as caught:
        await Run("State.ask", "page").drive(body, emit)
    said = str(caught.value)
    assert "hunter22" not in said and PATH not in said
    reference = said.rpartition("[")[2].rstrip("]")
    assert f"[{reference}]" in caplog.text
    assert "hunter22" not in caplog.text
