"""The Assistants stream as model events, and what becomes of its run."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from streamui.errors import ModelError, StreamCancelledError
from streamui.models import upstream
from streamui.models.calls import ModelCall, on_begin
from streamui.models.events import (
    Finish,
    RefusalDelta,
    RefusalEnd,
    TextDelta,
    TextEnd,
    TextStart,
    ToolCall,
    ToolCallDelta,
    ToolCallStart,
    Usage,
)
from streamui.models.model_events import model_events
from streamui.models.reader import ModelEvents
from tests.models.recorded import ASSISTANTS, sse

pytestmark = pytest.mark.filterwarnings("ignore:The Assistants API:DeprecationWarning")

MESSAGE, RUN, THREAD = "msg_9fA3dd", "run_Zb91xW", "thread_jH4kq1"
CANCEL = f"/v1/threads/{THREAD}/runs/{RUN}/cancel"


def event(name: str, **changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(ASSISTANTS[name])
    made["data"] |= changes
    return made


def text(value: str | None, index: int = 0, **more: Any) -> dict[str, Any]:
    block = {"index": index, "type": "text", "text": {"value": value, **more}}
    return event("thread.message.delta", delta={"content": [block]})


def whole(*values: str, **more: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": {"value": value, "annotations": []}} for value in values]
    return event("thread.message.completed", content=content, **more)


def calls(*said: dict[str, Any], step: str = "step_1") -> dict[str, Any]:
    delta = {"step_details": {"type": "tool_calls", "tool_calls": list(said)}}
    return event("thread.run.step.delta", id=step, delta=delta)


def function(index: int, arguments: str | None, **more: Any) -> dict[str, Any]:
    said = {"index": index, "type": "function", **more}
    name = said.pop("name", None)
    return {**said, "function": {"name": name, "arguments": arguments}}


def asks(**called: tuple[str, str]) -> dict[str, Any]:
    wanted = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id, (name, arguments) in called.items()
    ]
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": wanted}}
    return event("thread.run.requires_action", required_action=action)


BEGUN = [event(f"thread.run.{status}") for status in ("created", "queued", "in_progress")]
OPENED = [*BEGUN, event("thread.message.created")]
COMPLETED = event("thread.run.completed")
DONE = "event: done\ndata: [DONE]\n\n"


def begin(client: Any, kind: str = "runs") -> Any:
    """All the ways to have a stream of a run."""
    threads = client.beta.threads
    if kind == "runs":
        return threads.runs.create(THREAD, assistant_id="asst_1", stream=True)
    if kind == "create and run":
        return threads.create_and_run(assistant_id="asst_1", stream=True)
    if kind == "runs.stream":
        return threads.runs.stream(thread_id=THREAD, assistant_id="asst_1")
    if kind == "create and run stream":
        return threads.create_and_run_stream(assistant_id="asst_1")
    outputs: Any = [{"tool_call_id": "call_1", "output": "sunny"}]
    where = {"run_id": RUN, "thread_id": THREAD, "tool_outputs": outputs}
    if kind == "outputs":
        return threads.runs.submit_tool_outputs(**where, stream=True)
    return threads.runs.submit_tool_outputs_stream(**where)


KINDS = (
    "runs",
    "create and run",
    "outputs",
    "runs.stream",
    "create and run stream",
    "outputs stream",
)


@pytest.fixture
def heard(provider: Any) -> Callable[..., Any]:
    async def hear(*sent: dict[str, Any]) -> list[Any]:
        client, _ = await provider(sse(*sent) + DONE)
        events = [event async for event in model_events(begin(client))]
        return [event for event in events if event.type != "provider"]

    return hear


def blocking_client(base_url: str) -> OpenAI:
    http = httpx2.Client(verify=False)
    return OpenAI(api_key="k", base_url=base_url, max_retries=0, http_client=http)


# -- the answer -----------------------------------------------------------------------------------

TEA: list[Any] = [
    TextStart(f"{MESSAGE}:0", "thread.message.delta"),
    TextDelta(f"{MESSAGE}:0", "Tea ", "thread.message.delta"),
    TextDelta(f"{MESSAGE}:0", "is ready.", "thread.message.delta"),
    TextEnd(f"{MESSAGE}:0", "thread.message.completed"),
    Usage(31, 12, 43, provider_event="thread.run.completed"),
    Finish("stop", RUN, "thread.run.completed"),
]
TEA_SENT = [*OPENED, text("Tea "), text("is ready."), whole("Tea is ready."), COMPLETED]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", ["async", "blocking"])
async def test_text_comes_as_start_deltas_end_and_finish(
    provider: Any, kind: str, client: str
) -> None:
    there, made = await provider(sse(*TEA_SENT) + DONE)
    if client == "blocking":
        with blocking_client(made.base_url) as blocking:
            events = model_events(await asyncio.to_thread(begin, blocking, kind))
            told = [event async for event in events]
    else:
        events = model_events(begin(there, kind))
        told = [event async for event in events]
    assert [event for event in told if event.type != "provider"] == TEA
    assert [event.provider_event for event in told if event.type == "provider"] == [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.message.created",
    ]
    assert events.run == (THREAD, RUN)
    assert made.requests == 1


async def test_the_threads_id_is_told(provider: Any) -> None:
    client, _ = await provider(sse(event("thread.created"), *TEA_SENT))
    told: list[Any] = [event async for event in model_events(begin(client, "create and run"))]
    assert told[0].name == "thread.created"
    assert told[0].data.id == THREAD


async def test_parts_and_messages_have_ids_of_their_own(heard: Any) -> None:
    other = "msg_2"
    block = {"index": 0, "type": "text", "text": {"value": "More", "annotations": []}}
    told = await heard(
        *OPENED,
        text("One"),
        text("Two", 1),
        whole("One", "Two"),
        event("thread.message.delta", id=other, delta={"content": [block]}),
        whole("More", id=other),
        COMPLETED,
    )
    texts = [(event.type, event.id) for event in told if event.type.startswith("text")]
    starts = [id for kind, id in texts if kind == "text-start"]
    assert starts == [f"{MESSAGE}:0", f"{MESSAGE}:1", f"{other}:0"]
    assert [id for kind, id in texts if kind == "text-end"] == starts


async def test_what_only_the_whole_message_has_is_not_lost(heard: Any) -> None:
    told = await heard(*OPENED, text("Tea "), whole("Tea is ready."), COMPLETED)
    assert told == [
        *TEA[:2],
        TextDelta(f"{MESSAGE}:0", "is ready.", "thread.message.completed"),
        *TEA[3:],
    ]
    told = await heard(*OPENED, whole("Tea is ready."), COMPLETED)
    assert "".join(event.delta for event in told if event.type == "text-delta") == "Tea is ready."


async def test_the_users_own_message_is_no_answer(heard: Any) -> None:
    told = await heard(*BEGUN, whole("What about tea?", role="user"), *TEA_SENT[3:])
    assert told == TEA


async def test_a_lost_delta_is_noticed(heard: Any) -> None:
    with pytest.raises(ModelError, match="lost") as caught:
        await heard(*OPENED, text("is ready."), whole("Tea is ready."), COMPLETED)
    assert caught.value.code == "malformed"


async def test_fault_46_a_surrogate_pair_split_between_deltas_is_joined(heard: Any) -> None:
    told = await heard(*OPENED, text("a\ud83c"), text("\udf75b"), text("\ud83d"), COMPLETED)
    said = [event.delta for event in told if event.type == "text-delta"]
    assert said == ["a", "🍵b", "\ufffd"]


async def test_what_a_text_refers_to_is_told_beside_it(provider: Any) -> None:
    note = {
        "index": 0,
        "type": "file_citation",
        "text": "[1]",
        "start_index": 0,
        "end_index": 3,
        "file_citation": {"file_id": "file_1"},
    }
    picture = {"index": 1, "type": "image_file", "image_file": {"file_id": "file_2"}}
    sent = [
        text("Tea", annotations=[note]),
        text(None, annotations=[note]),
        event("thread.message.delta", delta={"content": [picture]}),
        event("thread.message.delta", delta={"content": None}),
    ]
    client, _ = await provider(sse(*OPENED, *sent, COMPLETED))
    told: list[Any] = [
        event
        async for event in model_events(begin(client))
        if event.provider_event == "thread.message.delta"
    ]
    kinds = ["text-start", "text-delta", *["provider"] * 4, "text-end"]
    assert [event.type for event in told] == kinds
    assert told[2].data.delta.content[0].text.annotations[0].file_citation.file_id == "file_1"
    assert told[4].data.delta.content[0].image_file.file_id == "file_2"


async def test_a_refusal_ends_with_all_of_it(heard: Any) -> None:
    def refusal(words: str) -> dict[str, Any]:
        block = {"index": 0, "type": "refusal", "refusal": words}
        return event("thread.message.delta", delta={"content": [block]})

    content = [{"type": "refusal", "refusal": "I won't."}]
    ended = event("thread.message.completed", content=content)
    told = await heard(*OPENED, refusal("I "), refusal("won't."), ended, COMPLETED)
    assert told[:3] == [
        RefusalDelta(f"{MESSAGE}:0", "I ", "thread.message.delta"),
        RefusalDelta(f"{MESSAGE}:0", "won't.", "thread.message.delta"),
        RefusalEnd(f"{MESSAGE}:0", "I won't.", "thread.message.completed"),
    ]


# -- tools ----------------------------------------------------------------------------------------


async def test_tool_calls_come_in_pieces_and_whole(heard: Any) -> None:
    told = await heard(
        *BEGUN,
        event("thread.run.step.created"),
        calls(function(0, "", id="call_1", name="weather")),
        calls(function(0, '{"city":')),
        calls(function(0, '"Bonn"}'), function(1, "{", id="call_2", name="time")),
        calls(function(1, "}")),
        asks(call_1=("weather", '{"city":"Bonn"}'), call_2=("time", "{}")),
    )
    delta, end = "thread.run.step.delta", "thread.run.requires_action"
    assert told == [
        ToolCallStart("call_1", "weather", delta),
        ToolCallDelta("call_1", '{"city":', delta),
        ToolCallDelta("call_1", '"Bonn"}', delta),
        ToolCallStart("call_2", "time", delta),
        ToolCallDelta("call_2", "{", delta),
        ToolCallDelta("call_2", "}", delta),
        ToolCall("call_1", "weather", '{"city":"Bonn"}', end),
        ToolCall("call_2", "time", "{}", end),
        Finish("tool-calls", RUN, end),
    ]


async def test_a_text_before_a_call_is_ended_before_it(heard: Any) -> None:
    told = await heard(*OPENED, text("Let me see."), asks(call_1=("weather", "{}")))
    assert [event.type for event in told] == [
        "text-start",
        "text-delta",
        "text-end",
        "tool-call-start",
        "tool-call",
        "finish",
    ]


async def test_the_providers_own_tools_are_its_own(provider: Any) -> None:
    code = {"index": 0, "id": "call_1", "type": "code_interpreter"}
    sent = [
        calls({**code, "code_interpreter": {"input": "print(", "outputs": []}}),
        calls({"index": 0, "type": "code_interpreter", "code_interpreter": {"input": "1)"}}),
        calls({"index": 1, "id": "call_2", "type": "file_search", "file_search": {}}),
    ]
    client, _ = await provider(sse(*BEGUN, *sent, COMPLETED))
    told: list[Any] = [event async for event in model_events(begin(client))]
    said = [event for event in told if event.provider_event == "thread.run.step.delta"]
    assert [event.type for event in said] == ["provider"] * 3
    assert said[1].data.delta.step_details.tool_calls[0].code_interpreter.input == "1)"
    assert told[-1].reason == "stop"


async def test_an_action_that_names_no_calls_is_malformed(heard: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await heard(*BEGUN, event("thread.run.requires_action", required_action=None))
    assert caught.value.code == "malformed"


# -- usage and ends -------------------------------------------------------------------------------


def spent(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}


async def test_a_run_that_does_not_say_what_it_cost_costs_what_its_steps_did(heard: Any) -> None:
    steps = [event("thread.run.step.completed", usage=spent(tokens)) for tokens in (2, 5)]
    told = await heard(*OPENED, *steps, event("thread.run.completed", usage=None))
    assert told[0] == Usage(7, 2, 9, provider_event="thread.run.step.completed")
    told = await heard(*OPENED, *steps, event("thread.run.completed", usage=spent(6)))
    assert told[0] == Usage(6, 1, 7, provider_event="thread.run.completed")
    told = await heard(*OPENED, event("thread.run.completed", usage=None))
    assert [event.type for event in told] == ["finish"]


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("max_completion_tokens", "length"),
        ("max_prompt_tokens", "length"),
        ("content_filter", "content-filter"),
        ("tired", "other"),
    ],
)
async def test_an_incomplete_run_says_why(heard: Any, why: str, reason: str) -> None:
    ended = event("thread.run.incomplete", incomplete_details={"reason": why})
    told = await heard(*OPENED, text("Te"), ended)
    assert [event.type for event in told[-3:]] == ["text-end", "usage", "finish"]
    assert told[-1].reason == reason


async def broken(client: Any) -> tuple[list[Any], Exception]:
    told: list[Any] = []
    with pytest.raises((ModelError, StreamCancelledError)) as caught:
        async for each in model_events(begin(client)):
            told.append(each)
    return told, caught.value


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("failed", {}, "rate_limited"),
        ("failed", {"last_error": {"code": "server_error", "message": "x"}}, "server_error"),
        ("failed", {"last_error": {"code": "invalid_prompt", "message": "x"}}, "refused"),
        ("failed", {"last_error": None}, "failed"),
        ("expired", {}, "timeout"),
        ("cancelled", {}, "cancelled"),
    ],
)
async def test_a_run_that_does_not_complete_has_a_typed_end(
    provider: Any, name: str, changes: dict[str, Any], code: str
) -> None:
    client, made = await provider(sse(*OPENED, text("Te"), event(f"thread.run.{name}", **changes)))
    told, error = await broken(client)
    assert error.code == code  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(error, StreamCancelledError) == (name == "cancelled")
    assert [each.type for each in told[-2:]] == ["text-end", "error"]
    assert (told[-1].code, told[-1].provider_event) == (code, f"thread.run.{name}")
    assert made.requests == 1  # there is nothing to cancel


# -- the run --------------------------------------------------------------------------------------

STALLED = sse(*OPENED, text("Tea "))


@pytest.fixture(params=["async", "blocking"])
async def stalled(request: pytest.FixtureRequest, provider: Any) -> Any:
    """Gives a way to begin a run that writes on for ever, and its provider."""
    writing = {"body": (STALLED.encode(),), "end": "hold"}
    client, made = await provider("{}", first=(writing,), headers={"connection": "close"})
    if request.param == "async":
        yield partial(begin, client), made
        return
    with blocking_client(made.base_url) as blocking:
        yield partial(asyncio.to_thread, begin, blocking), made


async def first_text(events: ModelEvents) -> None:
    async for event in events:
        if event.type == "text-delta":
            return


STOPS = [("aclose", kind) for kind in KINDS] + [
    (how, "runs") for how in ("break", "cancel", "leave")
]


@pytest.mark.parametrize(("how", "kind"), STOPS)
async def test_fault_37_a_stop_cancels_the_run(
    stalled: Any, until: Any, kind: str, how: str
) -> None:
    ask, made = stalled
    stream = ask(kind)
    events = model_events(await stream if asyncio.iscoroutine(stream) else stream)
    await first_text(events)
    if how == "aclose":
        await events.aclose()
        assert made.paths[1:] == [CANCEL]  # not soon: it is waited for
    elif how == "leave":
        assert await events.leave() is None
    elif how == "cancel":
        reading = asyncio.create_task(first_text(events))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    del events
    await until(lambda: made.paths[1:] == [CANCEL])


async def test_a_run_whose_stream_breaks_is_cancelled_since_its_thread_waits_for_it(
    provider: Any, until: Any
) -> None:
    client, made = await provider("{}", first=({"body": (STALLED.encode(),), "end": "cut"},))
    told, error = await broken(client)
    assert error.code == "truncated"  # pyright: ignore[reportAttributeAccessIssue]
    assert told[-1].type == "error"
    await until(lambda: made.paths[1:] == [CANCEL])


async def test_so_is_one_that_took_results_and_answers_nothing(provider: Any, until: Any) -> None:
    client, made = await provider("{}", first=({"body": (), "end": "hold"},))
    events = model_events(begin(client, "outputs"), first_token_timeout=0.05)
    with pytest.raises(ModelError) as caught:
        await first_text(events)
    assert caught.value.code == "timeout"
    await until(lambda: made.paths[1:] == [CANCEL])


async def test_fault_38_a_stop_after_the_end_asks_the_provider_nothing(provider: Any) -> None:
    for end in (COMPLETED, asks(call_1=("weather", "{}"))):
        client, made = await provider(sse(*OPENED, end))
        events = model_events(begin(client))
        assert [event async for event in events][-1].type == "finish"
        await events.aclose()
        assert made.requests == 1


async def test_a_run_is_not_begun_twice_while_it_may_go_on(
    provider: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "_FIRST_DELAY", 0.01)
    for body in ("", sse(*BEGUN)):
        broken = {"body": (body.encode(),), "end": "cut"}
        client, made = await provider(sse(*TEA_SENT), first=(broken,))
        with pytest.raises(ModelError):
            async with aclosing(model_events(partial(begin, client))) as events:
                async for _ in events:
                    pass
        assert [path for path in made.paths if path.endswith("/runs")] == [
            f"/v1/threads/{THREAD}/runs"
        ]


async def test_fault_33_one_that_failed_before_its_first_token_is_begun_again(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "_FIRST_DELAY", 0.01)
    failing = {"body": (sse(*BEGUN, event("thread.run.failed")).encode(),)}
    client, made = await provider(sse(*TEA_SENT), first=(failing,))
    told = [each async for each in model_events(partial(begin, client))]
    assert [each.type for each in told].count("retry") == 1
    assert [each for each in told if each.type not in ("provider", "retry")] == TEA
    assert made.paths == [f"/v1/threads/{THREAD}/runs"] * 2
    client, made = await provider(sse(*TEA_SENT), first=(failing,))
    with pytest.raises(ModelError):  # but what took results cannot be given them again
        async for _ in model_events(partial(begin, client, "outputs")):
            pass
    assert made.requests == 1


@pytest.fixture
def ended() -> Iterator[list[ModelCall]]:
    calls: list[ModelCall] = []

    def hear(call: ModelCall) -> Callable[[], None]:
        return lambda: calls.append(call)

    on_begin.append(hear)
    yield calls
    on_begin.remove(hear)


async def test_the_call_is_counted_as_what_it_is(provider: Any, ended: list[ModelCall]) -> None:
    client, _ = await provider(sse(*TEA_SENT))
    async for _ in model_events(begin(client)):
        pass
    (call,) = ended
    told = (call.api, call.answered_by, call.response_id, call.output_tokens, call.code)
    assert told == ("assistants", "gpt-4o", RUN, 12, "")
