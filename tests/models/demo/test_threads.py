"""Assistants, threads and runs, as servers that still have them send them."""

from __future__ import annotations

import asyncio
import json
from itertools import groupby
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.beta import AssistantStreamEvent, Thread
from openai.types.beta.threads import Message as ThreadMessage
from openai.types.beta.threads import Run
from pydantic import TypeAdapter

from streamui.models.demo import DemoServer, run_wire, shelf, threads
from streamui.models.demo.talk import InvalidError, Message
from streamui.models.demo.threads import Assistants
from tests.models.demo.reading import assert_no_more_than_known, events, post
from tests.models.demo.test_tools import TWO, WEATHER, chat_form

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")

EVENTS: TypeAdapter[Any] = TypeAdapter(AssistantStreamEvent)
TOOLS: Any = [chat_form(WEATHER)]


def asked(question: str, **more: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": question}]
    return {"assistant_id": "asst_demo", "thread": {"messages": said}, "stream": True, **more}


def read(response: httpx.Response) -> list[Any]:
    """The events of a stream, judged by the SDK's types."""
    *sent, last = events(response)
    assert last == ("done", "[DONE]")
    found: list[Any] = []
    for name, data in sent:
        event = EVENTS.validate_python({"event": name, "data": json.loads(data)})
        assert event.event == name
        assert_no_more_than_known(event)
        found.append(event)
    return found


def names(found: list[Any]) -> list[str]:
    return [name for name, _ in groupby(event.event.removeprefix("thread.") for event in found)]


def run(demo: DemoServer, question: str, **more: Any) -> list[Any]:
    return read(post(demo, "/threads/runs", **asked(question, **more)))


def test_the_events_of_a_run_come_in_openais_order(demo: DemoServer) -> None:
    found = run(demo, "Write 5 words about tea, flat out")
    assert names(found) == [
        "created",
        "run.created",
        "run.queued",
        "run.in_progress",
        "run.step.created",
        "run.step.in_progress",
        "message.created",
        "message.in_progress",
        "message.delta",
        "message.completed",
        "run.step.completed",
        "run.completed",
    ]
    deltas = [e.data.delta.content[0] for e in found if e.event == "thread.message.delta"]
    assert len(deltas) == 5
    text = "".join(delta.text.value for delta in deltas)
    by_name = {event.event: event.data for event in found}
    assert by_name["thread.message.completed"].content[0].text.value == text
    ended = by_name["thread.run.completed"]
    assert ended.status == "completed" and ended.usage.completion_tokens == 5
    assert by_name["thread.run.created"].status == "queued"
    step = by_name["thread.run.step.completed"].step_details
    assert step.message_creation.message_id == by_name["thread.message.completed"].id


def test_a_run_with_tools_waits_for_what_they_give(demo: DemoServer) -> None:
    found = run(demo, TWO, tools=TOOLS)
    assert names(found) == [
        "created",
        "run.created",
        "run.queued",
        "run.in_progress",
        "run.step.created",
        "run.step.in_progress",
        "run.step.delta",
        "run.requires_action",
    ]
    waiting: Run = found[-1].data
    assert waiting.required_action is not None
    calls = waiting.required_action.submit_tool_outputs.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Rome", "Oslo"]
    deltas = [e.data.delta.step_details.tool_calls[0] for e in found if e.event.endswith("p.delta")]
    for index, call in enumerate(calls):
        mine = [delta for delta in deltas if delta.index == index]
        assert (mine[0].id, mine[0].function.name) == (call.id, "get_weather")
        written = "".join(delta.function.arguments or "" for delta in mine)
        assert written == call.function.arguments
    outputs = [{"tool_call_id": call.id, "output": "21 degrees"} for call in calls]
    path = f"/threads/{waiting.thread_id}/runs/{waiting.id}"
    rest = read(post(demo, f"{path}/submit_tool_outputs", tool_outputs=outputs, stream=True))
    assert names(rest) == [
        "run.step.completed",
        "run.queued",
        "run.in_progress",
        "run.step.created",
        "run.step.in_progress",
        "message.created",
        "message.in_progress",
        "message.delta",
        "message.completed",
        "run.step.completed",
        "run.completed",
    ]
    told = next(e.data for e in rest if e.event == "thread.message.completed")
    assert "21 degrees" in told.content[0].text.value
    step = rest[0].data.step_details.tool_calls[0]
    assert step.function.output == "21 degrees"
    steps = httpx.get(f"{demo.base_url}{path}/steps", verify=False).json()["data"]
    assert [each["type"] for each in steps] == ["message_creation", "tool_calls"]


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("fail with 500", "failed", "server_error"),
        ("fail with 429", "failed", "rate_limit_exceeded"),
        ("let it expire", "expired", None),
    ],
)
@pytest.mark.parametrize("tools", [[], TOOLS])
def test_a_run_can_fail_and_expire(
    demo: DemoServer, question: str, status: str, code: str | None, tools: Any
) -> None:
    found = run(
        demo, f"What is the weather in Rome? flat out, {question} after 2 words", tools=tools
    )
    kinds = names(found)
    assert kinds[-2:] == [f"run.step.{status}", f"run.{status}"]
    assert ("message.incomplete" in kinds) == (not tools)
    ended = found[-1].data
    assert ended.status == status
    assert (ended.last_error and ended.last_error.code) == code


def test_a_limit_on_tokens_makes_it_incomplete(demo: DemoServer) -> None:
    found = run(demo, "Write 5 words, flat out", max_completion_tokens=3)
    assert names(found)[-3:] == ["message.incomplete", "run.step.completed", "run.incomplete"]
    assert found[-1].data.incomplete_details.reason == "max_completion_tokens"


async def test_a_run_can_be_cancelled_by_anybody(client: AsyncOpenAI) -> None:
    slow = "Write 1000 words at 100 words per second"
    stream = await client.beta.threads.create_and_run(**asked(slow))
    found: list[Any] = []
    async for event in stream:
        found.append(event)
        if event.event == "thread.message.delta" and len(found) < 20:
            ended = found[1].data
            told = await client.beta.threads.runs.cancel(ended.id, thread_id=ended.thread_id)
            assert told.status == "cancelling"
            found += [event] * 20
    assert names(found)[-4:] == [
        "run.cancelling",
        "message.incomplete",
        "run.step.cancelled",
        "run.cancelled",
    ]
    run = found[-1].data
    page = await client.beta.threads.messages.list(run.thread_id)
    assert page.data[0].status == "incomplete"
    assert page.data[0].incomplete_details and page.data[0].incomplete_details.reason == (
        "run_cancelled"
    )
    with pytest.raises(openai.BadRequestError, match="Cannot cancel run with status 'cancelled'"):
        await client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)


async def test_a_thread_keeps_what_is_said(client: AsyncOpenAI) -> None:
    assistant = await client.beta.assistants.create(
        model="m", name="Demo", instructions="be brief", tools=TOOLS
    )
    assert_no_more_than_known(assistant)
    assert await client.beta.assistants.retrieve(assistant.id) == assistant
    thread = await client.beta.threads.create(metadata={"a": "b"})
    assert_no_more_than_known(thread)
    assert await client.beta.threads.retrieve(thread.id) == thread
    runs, messages = client.beta.threads.runs, client.beta.threads.messages
    for question in ("My name is Ada, flat out", "What is my name? flat out"):
        said = await messages.create(thread.id, role="user", content=question)
        assert_no_more_than_known(said)
        stream = await runs.create(thread.id, assistant_id=assistant.id, stream=True)
        async for _ in stream:
            pass
    listed = await messages.list(thread.id, order="asc")
    assert [message.role for message in listed.data] == ["user", "assistant"] * 2
    last = listed.data[-1]
    assert isinstance(last, ThreadMessage) and last.run_id and last.assistant_id == assistant.id
    assert last.content[0].type == "text" and "Ada" in last.content[0].text.value
    assert [run.status for run in (await runs.list(thread.id)).data] == ["completed"] * 2
    gone = await client.beta.threads.delete(thread.id)
    assert gone.deleted
    with pytest.raises(openai.NotFoundError):
        await client.beta.threads.retrieve(thread.id)


async def test_the_sdks_own_helpers_work(client: AsyncOpenAI) -> None:
    thread = await client.beta.threads.create(messages=asked(TWO)["thread"]["messages"])
    of: Any = {"thread_id": thread.id, "poll_interval_ms": 5}
    runs = client.beta.threads.runs
    waiting = await runs.create_and_poll(assistant_id="asst_demo", tools=TOOLS, **of)
    assert waiting.status == "requires_action" and waiting.required_action
    calls = waiting.required_action.submit_tool_outputs.tool_calls
    outputs: Any = [{"tool_call_id": call.id, "output": "21"} for call in calls]
    for wrong in ([], outputs[:1]):
        with pytest.raises(openai.BadRequestError, match="Expected tool outputs"):
            await runs.submit_tool_outputs(waiting.id, thread_id=thread.id, tool_outputs=wrong)
    for call in (
        runs.create(thread.id, assistant_id="asst_demo"),
        client.beta.threads.messages.create(thread.id, role="user", content="x"),
    ):
        with pytest.raises(openai.BadRequestError, match="active"):
            await call
    async with runs.submit_tool_outputs_stream(
        thread_id=thread.id, run_id=waiting.id, tool_outputs=outputs
    ) as stream:
        text = "".join([piece async for piece in stream.text_deltas])
        messages = await stream.get_final_messages()
    assert "Rome" in text and messages[0].content[0].type == "text"
    assert messages[0].content[0].text.value == text
    with pytest.raises(openai.BadRequestError, match="do not accept tool outputs"):
        await runs.submit_tool_outputs(waiting.id, thread_id=thread.id, tool_outputs=outputs)


async def test_a_run_goes_on_when_its_connection_is_cut(client: AsyncOpenAI) -> None:
    question = "Write 20 words flat out, cut the connection after 5 words"
    stream = await client.beta.threads.create_and_run(**asked(question))
    found: list[Any] = []
    with pytest.raises(Exception, match=r"(?i)peer|incomplete|closed|connection"):
        async for event in stream:
            found.append(event)
    assert sum(event.event == "thread.message.delta" for event in found) == 5
    made = found[1].data
    async with asyncio.timeout(5):
        while (
            ended := await client.beta.threads.runs.retrieve(made.id, thread_id=made.thread_id)
        ).status == "in_progress":
            await asyncio.sleep(0.005)
    assert ended.status == "completed"


async def test_a_run_fails_over_http_before_it_begins(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        await client.beta.threads.create_and_run(**asked("fail with 500"))
    with pytest.raises(openai.NotFoundError):
        await client.beta.threads.create_and_run(**{**asked("hi"), "assistant_id": "asst_unknown"})
    with pytest.raises(openai.NotFoundError):
        await client.beta.threads.runs.retrieve("run_unknown", thread_id="thread_unknown")


def test_a_run_that_waits_for_too_long_expires(
    demo: DemoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_wire, "EXPIRES_AFTER", 0)
    made: Run = run(demo, TWO, tools=TOOLS)[-1].data
    path = f"/threads/{made.thread_id}/runs/{made.id}"
    body = httpx.get(f"{demo.base_url}{path}", verify=False).json()
    assert Run.model_validate(body).status == "expired"
    assert post(demo, f"{path}/submit_tool_outputs", tool_outputs=[]).status_code == 400


def test_threads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "THREADS_KEPT", 2)
    monkeypatch.setattr(threads, "MESSAGES_KEPT", 3)
    state = Assistants()
    first = state.open({})
    last = [state.open({}) for _ in range(2)][-1]
    assert state.threads.find(first.id) is None
    for number in range(5):
        last.say({"role": "user", "content": str(number)})
    assert last.talk() == tuple(Message("user", str(number)) for number in (2, 3, 4))
    with pytest.raises(InvalidError):
        last.say({"role": "nobody", "content": "x"})
    assert Thread.model_validate(last.body()).id == last.id
    assert last.size == 3


async def test_what_a_thread_keeps_is_counted(
    client: AsyncOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "BYTES", 20_000)
    runs: list[Any] = []
    for question in ("Write 6000 words, flat out", "Write 3 words, flat out"):
        stream = await client.beta.threads.create_and_run(**asked(question))
        runs.append([event async for event in stream][-1].data)
        await client.beta.threads.retrieve(runs[-1].thread_id)
    with pytest.raises(openai.NotFoundError):
        await client.beta.threads.retrieve(runs[0].thread_id)
