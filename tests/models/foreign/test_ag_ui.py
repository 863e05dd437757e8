"""AG-UI's events, one by one, and read from a server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from ag_ui import core
from ag_ui.encoder import EventEncoder
from pydantic_ai.ui.ag_ui import AGUIAdapter
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamui.errors import ModelError, StreamCancelledError
from streamui.http.consume import consume_event_stream
from streamui.models.demo import DemoServer
from streamui.models.events import ModelEvent
from streamui.models.model_events import model_events
from tests.models.conftest import async_client
from tests.models.foreign.libraries import FORECASTS, pydantic_agent

BEGIN = core.RunStartedEvent(thread_id="t", run_id="r")
END = core.RunFinishedEvent(thread_id="t", run_id="r")


async def replay(events: Iterable[Any]) -> AsyncIterator[Any]:
    for event in events:
        yield event


def as_objects(events: Iterable[core.BaseEvent]) -> AsyncIterator[Any]:
    return replay(events)


def as_dicts(events: Iterable[core.BaseEvent]) -> AsyncIterator[Any]:
    return replay([event.model_dump(by_alias=True, exclude_none=True) for event in events])


def as_bytes(events: Iterable[core.BaseEvent]) -> Any:
    encoder = EventEncoder()
    return consume_event_stream(replay([encoder.encode(event).encode() for event in events]))


forms = pytest.mark.parametrize("form", [as_objects, as_dicts, as_bytes])


def told(events: list[ModelEvent]) -> list[tuple[Any, ...]]:
    names = ("type", "id", "name", "delta", "arguments", "result", "reason", "code")
    return [
        tuple(getattr(event, name) for name in names if getattr(event, name, "") not in ("", None))
        for event in events
        if event.type != "provider"
    ]


@forms
async def test_each_event_is_a_model_event(form: Any) -> None:
    events = [
        BEGIN,
        core.ReasoningStartEvent(message_id="m"),
        core.ReasoningMessageStartEvent(message_id="m", role="reasoning"),
        core.ReasoningMessageContentEvent(message_id="m", delta="Hm."),
        core.ReasoningMessageEndEvent(message_id="m"),
        core.ReasoningEndEvent(message_id="m"),
        core.ToolCallStartEvent(tool_call_id="c", tool_call_name="add"),
        core.ToolCallArgsEvent(tool_call_id="c", delta='{"a":'),
        core.ToolCallArgsEvent(tool_call_id="c", delta="1}"),
        core.ToolCallEndEvent(tool_call_id="c"),
        core.ToolCallResultEvent(message_id="x", tool_call_id="c", content="2"),
        core.TextMessageStartEvent(message_id="u", role="user"),
        core.TextMessageContentEvent(message_id="u", delta="what was asked"),
        core.TextMessageEndEvent(message_id="u"),
        core.TextMessageStartEvent(message_id="n", role="assistant"),
        core.TextMessageContentEvent(message_id="n", delta="Two."),
        core.TextMessageEndEvent(message_id="n"),
        core.RunFinishedEvent(
            thread_id="t",
            run_id="r",
            usage=[
                core.TokenUsage(input_tokens=3, output_tokens=4, reasoning_tokens=1),
                core.TokenUsage(input_tokens=5, output_tokens=6, total_tokens=11),
            ],
        ),
    ]
    given = [event async for event in model_events(form(events))]
    assert told(given) == [
        ("reasoning-start", "0"),
        ("reasoning-delta", "0", "Hm."),
        ("reasoning-end", "0"),
        ("tool-call-start", "c", "add"),
        ("tool-call-delta", "c", '{"a":'),
        ("tool-call-delta", "c", "1}"),
        ("tool-call", "c", "add", '{"a":1}'),
        ("tool-result", "c", "add", "2"),
        ("text-start", "1"),
        ("text-delta", "1", "Two."),
        ("text-end", "1"),
        ("usage",),
        ("finish", "stop"),
    ]
    usage: Any = given[-2]
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (8, 10, 18)
    assert usage.details["reasoning_tokens"] == 1


@forms
async def test_chunks_begin_and_end_what_they_are_of(form: Any) -> None:
    events = [
        BEGIN,
        core.TextMessageChunkEvent(message_id="m", delta="One"),
        core.TextMessageChunkEvent(delta=" two"),
        core.TextMessageChunkEvent(message_id="n", delta="Three"),
        core.ToolCallChunkEvent(tool_call_id="c", tool_call_name="add", delta="{"),
        core.ToolCallChunkEvent(delta="}"),
        END,
    ]
    assert told([event async for event in model_events(form(events))]) == [
        ("text-start", "0"),
        ("text-delta", "0", "One"),
        ("text-delta", "0", " two"),
        ("text-end", "0"),
        ("text-start", "1"),
        ("text-delta", "1", "Three"),
        ("text-end", "1"),
        ("tool-call-start", "c", "add"),
        ("tool-call-delta", "c", "{"),
        ("tool-call-delta", "c", "}"),
        ("tool-call", "c", "add", "{}"),
        ("finish", "tool-calls"),  # nobody has run it: the page is to
    ]


@forms
async def test_an_interrupt_is_a_tool_that_waits_for_its_approval(form: Any) -> None:
    asks = core.Interrupt(id="i", reason="tool_call", tool_call_id="c")
    outcome = core.RunFinishedInterruptOutcome(interrupts=[asks])
    events = [
        core.ToolCallStartEvent(tool_call_id="c", tool_call_name="pay"),
        core.ToolCallArgsEvent(tool_call_id="c", delta='{"sum":1}'),
        core.ToolCallEndEvent(tool_call_id="c"),
        core.RunFinishedEvent(thread_id="t", run_id="r", outcome=outcome),
    ]
    *_, approval, finish = [event async for event in model_events(form(events))]
    assert approval.type == "tool-approval" and approval.arguments == {"sum": 1}
    assert finish.type == "finish" and finish.reason == "tool-calls"


TEXT = core.TextMessageContentEvent(message_id="m", delta="Tea")


@forms
@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([BEGIN, TEXT], "truncated"),
        ([core.RunErrorEvent(message="no", code="rate_limit_exceeded")], "rate_limited"),
        ([TEXT, core.RunErrorEvent(message="sk-secret123456 is wrong")], "failed"),
    ],
    ids=["cut", "code", "words"],
)
async def test_a_bad_end_is_a_model_error(
    form: Any, events: list[core.BaseEvent], code: str
) -> None:
    given: list[ModelEvent] = []
    with pytest.raises(ModelError) as raised:
        given.extend([event async for event in model_events(form(events))])
    assert raised.value.code == code
    assert "secret" not in str(raised.value)


@forms
async def test_a_run_that_was_cancelled_is_not_done(form: Any) -> None:
    outcome = core.RunFinishedCancelledOutcome()
    end = core.RunFinishedEvent(thread_id="t", run_id="r", outcome=outcome)
    with pytest.raises(StreamCancelledError):
        [event async for event in model_events(form([BEGIN, TEXT, end]))]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ([], "truncated"),
        ([b"data: {no json\n\n"], "malformed"),
        ([b"data: 7\n\n"], "malformed"),
        ([b"data: " + b"[" * 100_000 + b"\n\n"], "malformed"),
        ([b'data: {"kind": "RUN_STARTED"}\n\n'], "malformed"),
        ([b'data: {"type": "TEXT_MESSAGE_CONTENT", "delta": 7}\n\n'], "malformed"),
    ],
    ids=["nothing", "no JSON", "a number", "deep", "no type", "no text"],
)
async def test_what_is_no_event_is_a_model_error(sent: list[bytes], code: str) -> None:
    with pytest.raises(ModelError) as raised:
        [event async for event in model_events(consume_event_stream(replay(sent)))]
    assert raised.value.code == code


@pytest.mark.parametrize(("status", "code"), [(401, "authentication"), (404, "not_found")])
async def test_a_server_that_refuses_is_a_model_error(
    provider: Any, status: int, code: str
) -> None:
    _, server = await provider("no", status=status)
    with pytest.raises(ModelError) as raised:
        [event async for event in model_events(consume_event_stream(server.base_url))]
    assert raised.value.code == code


async def test_a_stop_closes_the_connection_to_the_server(provider: Any) -> None:
    _, server = await provider(EventEncoder().encode(TEXT), end="hold")
    events = model_events(consume_event_stream(server.base_url))
    async for event in events:
        if event.type == "text-delta":
            break
    await events.aclose()
    async with asyncio.timeout(2):
        await server.left.wait()


async def test_events_that_are_not_read_are_closed_as_well(provider: Any) -> None:
    _, server = await provider(EventEncoder().encode(TEXT))
    stream = consume_event_stream(server.base_url)
    await model_events(stream).aclose()
    assert [event async for event in stream] == []
    assert server.requests == 0


@pytest.fixture
def agent_url(demo: DemoServer) -> Iterator[str]:
    """An agent that is served over HTTP, by pydantic-ai's adapter."""

    async def run(request: Request) -> Response:
        client = async_client(demo.base_url)
        agent = pydantic_agent(client, "responses")
        response = await AGUIAdapter.dispatch_request(request, agent=agent)
        response.background = BackgroundTask(client.close)
        return response

    app = Starlette(routes=[Route("/", run, methods=["POST"])])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)
    listening.close()


async def test_an_agent_is_read_from_its_server(agent_url: str) -> None:
    asked = core.RunAgentInput(
        thread_id="t",
        run_id="r",
        state=None,
        messages=[core.UserMessage(id="u", content="What is the weather in Rome? flat out")],
        tools=[],
        context=[],
        forwarded_props=None,
    )
    body = asked.model_dump(mode="json", by_alias=True)
    async with httpx.AsyncClient(verify=False, trust_env=False) as http:
        response = http.stream("POST", agent_url, json=body)
        given = [event async for event in model_events(consume_event_stream(response))]
    [result] = [event for event in given if event.type == "tool-result"]
    assert (result.name, result.result) == ("get_weather", FORECASTS["Rome"])
    written = "".join(event.delta for event in given if event.type == "text-delta")
    assert FORECASTS["Rome"] in written
    assert given[-1].type == "finish" and given[-1].reason == "stop"
