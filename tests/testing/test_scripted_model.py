"""The scripted model says what its script has, to the real client, and tells what it was asked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from streamui.errors import ModelError
from streamui.models.client import default_client
from streamui.models.model_events import model_events
from streamui.testing import Asked, Call, Fault, Pause, Reply, ScriptedModel
from streamui.testing.script_answers import answer_of

pytestmark = pytest.mark.slow

QUESTION: Any = {"model": "m", "input": "Hi"}
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as model:
        yield model


async def stream(api: str = "responses", **more: Any) -> Any:
    client = default_client().with_options(max_retries=0)
    if api == "responses":
        return await client.responses.create(**QUESTION, stream=True, **more)
    said: Any = [{"role": "user", "content": "Hi"}]
    return await client.chat.completions.create(model="m", messages=said, stream=True, **more)


async def heard(api: str = "responses", **more: Any) -> list[Any]:
    return [event async for event in model_events(await stream(api, **more))]


def text_of(events: list[Any]) -> list[str]:
    return [event.delta for event in events if event.type == "text-delta"]


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_it_says_what_the_script_has(model: ScriptedModel, api: str) -> None:
    model.add(
        "Hello there",
        Reply(["Hel", "lo"]),
        Reply("Let me see", reasoning="It rains.", tool_calls=[Call("f", {"a": 1}), Call("g")]),
        Reply(refusal="I had rather not"),
        Reply("Too lo", incomplete=True),
        Reply(""),
    )
    assert text_of(await heard(api)) == ["Hello ", "there"]
    assert text_of(await heard(api)) == ["Hel", "lo"]
    events = await heard(api)
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds.index("reasoning-delta") < kinds.index("text-delta") < kinds.index("tool-call")
    calls = [(e.name, json.loads(e.arguments)) for e in events if e.type == "tool-call"]
    assert calls == [("f", {"a": 1}), ("g", {})]
    assert events[-1].reason == "tool-calls"
    refused = [event for event in await heard(api) if event.type == "refusal-end"]
    assert [event.refusal for event in refused] == ["I had rather not"]
    assert (await heard(api))[-1].reason == "length"
    empty = await heard(api)
    assert text_of(empty) == [] and empty[-1].reason == "stop"
    assert len(model.requests) == 6 and model.left == 0


async def test_arguments_and_ids_of_a_call_are_what_the_test_wants(model: ScriptedModel) -> None:
    model.add(Reply(tool_calls=[Call("f", '{"broken": ', id="call_1")]))
    [call] = [event for event in await heard() if event.type == "tool-call"]
    assert (call.id, call.arguments) == ("call_1", '{"broken": ')


class Point(BaseModel):
    x: int
    y: int


async def test_structured_output_is_sent_as_json(model: ScriptedModel) -> None:
    model.add(Reply(object={"x": 1, "y": 2}), Reply(object=Point(x=3, y=4)), Reply(object=None))
    client = default_client()
    made = await client.responses.parse(**QUESTION, text_format=Point)
    assert made.output_parsed == Point(x=1, y=2)
    assert model.requests[0].schema == made.text.format.schema_  # type: ignore[union-attr]
    deltas = text_of(await heard())
    assert Point.model_validate_json("".join(deltas)) == Point(x=3, y=4) and len(deltas) > 4
    assert "".join(text_of(await heard())) == "null"


async def test_a_pause_waits_for_the_test(model: ScriptedModel) -> None:
    first, last = Pause(), Pause()
    model.add(Reply(["Hel", first, "lo", last]))
    events = model_events(await stream())
    got: list[str] = []

    async def read() -> None:
        async for event in events:
            if event.type == "text-delta":
                got.append(event.delta)

    reading = asyncio.create_task(read())
    await first.reached()
    assert got in ([], ["Hel"])
    first.release()
    await last.reached()
    assert not reading.done()
    last.release()
    async with asyncio.timeout(5):
        await reading
    assert got == ["Hel", "lo"]


async def test_a_pause_before_the_first_byte(model: ScriptedModel) -> None:
    pause = Pause()
    model.add(Reply("late", wait=pause), Reply("later", wait=0.001), Reply("never", wait=Pause()))
    asking = asyncio.create_task(stream())
    await pause.reached()
    assert not asking.done()
    pause.release()
    assert text_of([event async for event in model_events(await asking)]) == ["late"]
    assert text_of(await heard()) == ["later"]
    with pytest.raises(openai.APITimeoutError):
        await stream(timeout=0.05)


def test_a_pause_can_be_waited_for_without_an_event_loop() -> None:
    pause = Pause()
    with pytest.raises(TimeoutError):
        pause.wait(0.001)
    with ScriptedModel([Reply(["a", pause, "b"])]), OpenAI() as client:
        stream = client.responses.create(**QUESTION, stream=True)
        pause.wait()
        pause.release()
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    assert deltas == ["a", "b"]


async def test_a_reply_can_take_its_time(model: ScriptedModel) -> None:
    model.add(Reply("one two three four five", delay=0.02))
    clock = asyncio.get_running_loop().time
    start = clock()
    assert len(text_of(await heard())) == 5
    assert clock() - start >= 4 * 0.02
    # A busy machine takes as long by itself.
    assert answer_of(Reply("one", delay=0.02)).steering.rate == 50


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("rate_limited", retry_after=200), "rate_limited"),
        (Fault("quota"), "quota"),
        (Fault("overloaded"), "overloaded"),
        (Fault("server_error"), "server_error"),
        (Fault("timeout"), "timeout"),
        (Fault("authentication"), "authentication"),
        (Fault("permission_denied"), "permission_denied"),
        (Fault("not_found"), "not_found"),
        (Fault("bad_request"), "bad_request"),
        (Fault("conflict"), "conflict"),
        (Fault("context_length"), "context_length"),
        (Fault(418, message="short and stout"), "bad_request"),
        (Fault("connection"), "connection"),
        (Fault("cut"), "truncated"),
        (Fault("malformed"), "malformed"),
        (Fault("malformed", body=b"<html>", headers={"content-type": "text/html"}), "malformed"),
        (Fault("overloaded", after=2), "overloaded"),
        (Fault("cut", after=2), "truncated"),
        (Fault("malformed", after=2), "malformed"),
        (Fault("malformed", after=2, data=b"data: \xff\n\n"), "malformed"),
    ],
)
@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_fault_is_the_error_that_it_is_called(
    model: ScriptedModel, api: str, fault: Fault, code: str
) -> None:
    model.add(fault)
    got: list[str] = []
    with pytest.raises(ModelError) as caught:
        async for event in model_events(lambda: stream(api), retries=0):
            if event.type == "text-delta":
                got.append(event.delta)
    assert caught.value.code == code
    assert got == ["word1 ", "word2 "][: fault.after]
    assert caught.value.retry_after == fault.retry_after


async def test_a_stall_lasts_for_as_long_as_anybody_waits(model: ScriptedModel) -> None:
    model.add(Fault("stall", after=1, text=["Wait", "never"]))
    events = model_events(await stream(), token_timeout=0.05)
    with pytest.raises(ModelError) as caught:
        async for _ in events:
            pass
    assert caught.value.code == "timeout"
    async with asyncio.timeout(5):
        while model.stats().disconnected_by_client != 1:
            await asyncio.sleep(0.002)


async def test_a_fault_has_the_headers_and_the_message_that_the_test_wants(
    model: ScriptedModel,
) -> None:
    model.add(Fault(429, message="Slow down", code="too_fast", headers={"x-request-id": "r1"}))
    with pytest.raises(openai.RateLimitError, match="Slow down") as caught:
        await default_client().with_options(max_retries=0).responses.create(**QUESTION)
    assert caught.value.request_id == "r1" and caught.value.code == "too_fast"


async def test_the_client_may_try_again(model: ScriptedModel) -> None:
    model.add(Fault("overloaded", retry_after=0.01), Reply("Now"))
    made = await default_client().responses.create(**QUESTION)
    assert made.output_text == "Now"
    assert [request.headers["x-stainless-retry-count"] for request in model.requests] == ["0", "1"]


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_it_tells_what_it_was_asked(model: ScriptedModel, api: str) -> None:
    model.add(Reply(tool_calls=[Call("get_weather", {"city": "Rome"}, id="c1")]), "Sunny")
    client = default_client()
    function = {key: value for key, value in TOOL.items() if key != "type"}
    chat_tool: Any = {"type": "function", "function": function}
    if api == "responses":
        asked: Any = {"model": "m", "instructions": "Be brief", "tools": [TOOL], "temperature": 0.5}
        said: list[Any] = [{"role": "user", "content": "Rome?"}]
        first = await client.responses.create(input=said, **asked)
        said += first.output
        said += [{"type": "function_call_output", "call_id": "c1", "output": "21"}]
        await client.responses.create(input=said, **asked)
    else:
        asked = {"model": "m", "tools": [chat_tool], "temperature": 0.5}
        said = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Rome?"}]
        whole = await client.chat.completions.create(messages=said, **asked)
        said += [whole.choices[0].message]
        said += [{"role": "tool", "tool_call_id": "c1", "content": "21"}]
        await client.chat.completions.create(messages=said, **asked)
    question, answer = model.requests
    assert (question.api, question.model, question.text) == (api, "m", "Rome?")
    assert question.messages == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Rome?"},
    ]
    assert question.tools == {"get_weather": TOOL["parameters"]}
    assert question.body["temperature"] == 0.5 and question.schema is None
    assert question.tool_outputs == {} and answer.tool_outputs == {"c1": "21"}
    call = {"call_id": "c1", "name": "get_weather", "arguments": '{"city":"Rome"}'}
    assert answer.messages[2] == {"type": "function_call", **call}
    assert "authorization" not in question.headers and question.headers["user-agent"]


async def test_what_was_said_before_is_in_the_messages(model: ScriptedModel) -> None:
    model.add("One", "Two", "Three")
    client = default_client()
    conversation = await client.conversations.create()
    for _ in range(2):
        await client.responses.create(**QUESTION, conversation=conversation.id)
    assert [each["content"] for each in model.requests[1].messages] == ["Hi", "One", "Hi"]
    stream = await client.responses.create(**QUESTION, background=True, stream=True)
    assert (await anext(stream)).type == "response.created"
    await stream.close()


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
async def test_it_runs_assistants(model: ScriptedModel) -> None:
    model.add(
        Reply(tool_calls=[Call("f", id="c1")]), Reply("Done", wait=0.001), Fault("connection")
    )
    threads = default_client().with_options(max_retries=0).beta.threads
    thread: Any = {"messages": [{"role": "user", "content": "Hi"}]}
    run = await threads.create_and_run_poll(
        assistant_id="asst_demo", thread=thread, poll_interval_ms=5
    )
    outputs: Any = [{"tool_call_id": "c1", "output": "x"}]
    stream = await threads.runs.submit_tool_outputs(
        run.id, thread_id=run.thread_id, tool_outputs=outputs, stream=True
    )
    assert [event async for event in stream][-1].event == "thread.run.completed"
    assert model.requests[1].tool_outputs == {"c1": "x"}
    with pytest.raises(openai.APIConnectionError):
        await threads.create_and_run(assistant_id="asst_demo", thread=thread)


async def test_a_line_can_be_made_of_the_request(model: ScriptedModel) -> None:
    def echo(asked: Asked) -> Reply:
        return Reply(asked.text.upper())

    model.add(echo)
    assert "".join(text_of(await heard())) == "HI"


async def test_what_a_line_raises_fails_the_test() -> None:
    def check(asked: Asked) -> str:
        assert asked.text == "Bye", "another question was expected"
        return "Bye"

    with pytest.raises(AssertionError, match="another question"):
        async with ScriptedModel([check]):
            with pytest.raises(openai.BadRequestError):
                await default_client().responses.create(**QUESTION)
    with pytest.raises(ValueError, match="never happens"):
        async with ScriptedModel([Fault("cut", after=2, text="one")]):
            with pytest.raises(openai.BadRequestError):
                await default_client().responses.create(**QUESTION)


async def test_a_request_that_nobody_expected_fails_the_test() -> None:
    model = ScriptedModel(["One"])
    with pytest.raises(AssertionError, match="asked 2 times, and its script had a line for 1"):
        async with model:
            await default_client().responses.create(**QUESTION)
            with pytest.raises(openai.BadRequestError, match="no line left"):
                await default_client().responses.create(**QUESTION)
    assert len(model.requests) == 2
    with pytest.raises(ZeroDivisionError):  # and is not told in place of a better reason
        async with ScriptedModel():
            with pytest.raises(openai.BadRequestError):
                await default_client().responses.create(**QUESTION)
            raise ZeroDivisionError
    async with ScriptedModel(otherwise="Again"):
        for _ in range(2):
            assert (await default_client().responses.create(**QUESTION)).output_text == "Again"


def test_the_environment_is_as_it_was_and_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    before = dict(os.environ)
    model = ScriptedModel(["Hello"])
    with pytest.raises(RuntimeError, match="not running"):
        model.base_url  # noqa: B018
    with model:
        assert os.environ["OPENAI_BASE_URL"] == model.base_url
        assert os.environ["NO_PROXY"] == "example.com,127.0.0.1"
        assert os.environ["OPENAI_API_KEY"] == "scripted"
        with OpenAI() as client:
            assert client.responses.create(**QUESTION).output_text == "Hello"
        assert model.stats().requests == 1
        address = model.base_url
    assert dict(os.environ) == before
    with (
        OpenAI(base_url=address, max_retries=0) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.models.list()


async def test_two_models_do_not_know_each_other() -> None:
    async with ScriptedModel(["One"]) as first, ScriptedModel(["Two"]) as second:
        async with AsyncOpenAI(base_url=first.base_url) as one:
            assert (await one.responses.create(**QUESTION)).output_text == "One"
        assert (await default_client().responses.create(**QUESTION)).output_text == "Two"
        assert (first.left, second.left) == (0, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fault("overcooked"),
        lambda: Fault(200),
        lambda: Reply("text", refusal="no"),
        lambda: Reply("text", object={}),
    ],
)
def test_a_script_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"fault|reply"):
        make()


ANOTHER_PROCESS = """
import sys
import streamui.testing
assert not {"openai", "starlette", "uvicorn", "playwright", "reflex"} & set(sys.modules)
import openai
with openai.OpenAI() as client:
    print(client.responses.create(model="m", input="Hi").output_text)
"""


def test_another_process_finds_it() -> None:
    with ScriptedModel(["Hello"]) as model:
        command = [sys.executable, "-c", ANOTHER_PROCESS]
        env = {**os.environ, "OPENAI_BASE_URL": "", **model.env}
        found = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert found.stdout == "Hello\n", found.stderr
