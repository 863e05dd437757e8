"""What each type of event that the ``openai`` package knows becomes, to the letter."""

from __future__ import annotations

import copy
import itertools
import os
import random
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from openai._models import construct_type
from openai.types.beta import AssistantStreamEvent
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel

from streamui.errors import ModelError, StreamCancelledError, StreamUIError
from streamui.models.events import (
    Finish,
    ModelEvent,
    ProviderEvent,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
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
from streamui.models.failures import stream_failure
from streamui.models.model_events import model_events
from streamui.models.openai_assistants import AssistantsDialect
from streamui.models.openai_responses import ResponsesDialect
from tests.models.recorded import ASSISTANTS, RESPONSES, sse

UNIONS: dict[str, Any] = {"responses": ResponseStreamEvent, "assistants": AssistantStreamEvent}
FIXTURES = {"responses": RESPONSES, "assistants": ASSISTANTS}
CASES = [(api, name) for api in FIXTURES for name in FIXTURES[api]]


def types(api: str) -> dict[str, type[BaseModel]]:
    field = "type" if api == "responses" else "event"
    members = get_args(get_args(UNIONS[api])[0])
    return {get_args(each.model_fields[field].annotation)[0]: each for each in members}


def read(api: str, event: dict[str, Any]) -> Any:
    """Make of it what the package makes of it."""
    return construct_type(type_=UNIONS[api], value=event)


def unknown(value: object, path: str = "") -> Iterator[str]:
    """The fields that the package's type does not have."""
    if isinstance(value, BaseModel):
        yield from (f"{path}.{name}" for name in value.model_extra or ())
        for name in type(value).model_fields:
            yield from unknown(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for place, each in enumerate(value):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from unknown(each, f"{path}[{place}]")


@pytest.mark.parametrize(("api", "count"), [("responses", 59), ("assistants", 24)])
def test_the_fixtures_are_all_that_the_package_knows(api: str, count: int) -> None:
    assert set(FIXTURES[api]) == set(types(api))
    assert len(FIXTURES[api]) == count


@pytest.mark.parametrize(("api", "name"), CASES)
def test_a_fixture_has_the_shape_of_the_packages_type(api: str, name: str) -> None:
    fixture = FIXTURES[api][name]
    made = types(api)[name].model_validate(fixture)
    assert made.model_dump(mode="json", exclude_unset=True) == fixture
    assert list(unknown(made)) == []
    assert type(read(api, fixture)) is types(api)[name]


RS, MS = "rs_6893a1c1b7e081a0:0", "msg_6893a1c2d0a481a0"
TEXT = "Tea is at five. 🍵"
CALL, WEATHER = ("call_8Xh2Zq", "weather"), '{"city":"Bonn"}'
CUSTOM = {
    **RESPONSES["response.output_item.added"],
    "output_index": 2,
    "item": {"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": ""},
}
SPENT = {"cached_tokens": 0, "cache_write_tokens": 0, "reasoning_tokens": 64}
MA, RUN = "msg_9fA3dd:0", "run_Zb91xW"

Became = tuple[list[ModelEvent], list[ModelEvent] | str]


def provider(name: str) -> ModelEvent:
    return ProviderEvent(name, None, name)


def whole(kind: Any, id: str, text: str, name: str) -> list[ModelEvent]:
    start, delta, end = kind
    return [start(id, name), delta(id, text, name), end(id, name)]


TEXT_KIND = (TextStart, TextDelta, TextEnd)
REASONING = (ReasoningStart, ReasoningDelta, ReasoningEnd)


def ended(name: str, reason: Any) -> Became:
    told = whole(TEXT_KIND, f"{MS}:0", TEXT, name)
    usage = Usage(36, 87, 123, SPENT, name)
    return [], [*told, usage, Finish(reason, "resp_6893a1c05f1c81a0", name)]


def run_ended(name: str, reason: Any) -> Became:
    usage = Usage(31, 12, 43, provider_event=name)
    return [], [usage, Finish(reason, RUN, name)]


BEFORE: dict[str, list[dict[str, Any]]] = {
    name: [RESPONSES["response.output_item.added"]]
    for name in (
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    )
} | {
    name: [CUSTOM]
    for name in (
        "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.done",
    )
}
"""What makes sense only after something else."""

BECOMES: dict[str, Became] = {
    "response.output_item.added": (
        [ToolCallStart(*CALL, "response.output_item.added")],
        "truncated",
    ),
    "response.reasoning_summary_part.added": (
        [ReasoningStart(RS, "response.reasoning_summary_part.added")],
        "truncated",
    ),
    **{
        f"response.{stem}.delta": (
            [
                ReasoningStart(RS, f"response.{stem}.delta"),
                ReasoningDelta(RS, text, f"response.{stem}.delta"),
            ],
            "truncated",
        )
        for stem, text in (
            ("reasoning_summary_text", "**Weighing** the hour"),
            ("reasoning_text", "Five is usual."),
        )
    },
    **{
        f"response.{stem}.done": (whole(REASONING, RS, text, f"response.{stem}.done"), "truncated")
        for stem, text in (
            ("reasoning_summary_text", "**Weighing** the hour"),
            ("reasoning_text", "Five is usual."),
        )
    },
    "response.function_call_arguments.delta": (
        [ToolCallDelta(CALL[0], WEATHER[:-1], "response.function_call_arguments.delta")],
        "truncated",
    ),
    "response.function_call_arguments.done": (
        [ToolCall(*CALL, WEATHER, "response.function_call_arguments.done")],
        "truncated",
    ),
    "response.custom_tool_call_input.delta": (
        [ToolCallDelta("call_2", "ls -", "response.custom_tool_call_input.delta")],
        "truncated",
    ),
    "response.custom_tool_call_input.done": (
        [ToolCall("call_2", "shell", "ls -l", "response.custom_tool_call_input.done")],
        "truncated",
    ),
    "response.output_item.done": (
        [ToolCall(*CALL, WEATHER, "response.output_item.done")],
        "truncated",
    ),
    "response.content_part.added": (
        [TextStart(f"{MS}:0", "response.content_part.added")],
        "truncated",
    ),
    "response.output_text.delta": (
        [
            TextStart(f"{MS}:0", "response.output_text.delta"),
            TextDelta(f"{MS}:0", "Tea is", "response.output_text.delta"),
        ],
        "truncated",
    ),
    "response.output_text.done": (
        whole(TEXT_KIND, f"{MS}:0", TEXT, "response.output_text.done"),
        "truncated",
    ),
    "response.refusal.delta": (
        [RefusalDelta(f"{MS}:1", "I can't ", "response.refusal.delta")],
        "truncated",
    ),
    "response.refusal.done": (
        [
            RefusalDelta(f"{MS}:1", "I can't help with that.", "response.refusal.done"),
            RefusalEnd(f"{MS}:1", "I can't help with that.", "response.refusal.done"),
        ],
        "truncated",
    ),
    "response.completed": ended("response.completed", "stop"),
    "response.incomplete": ended("response.incomplete", "length"),
    "response.failed": ([], "server_error"),
    "thread.run.requires_action": (
        [
            ToolCallStart(*CALL, "thread.run.requires_action"),
            ToolCall(*CALL, WEATHER, "thread.run.requires_action"),
        ],
        [Finish("tool-calls", RUN, "thread.run.requires_action")],
    ),
    "thread.run.completed": run_ended("thread.run.completed", "stop"),
    "thread.run.incomplete": run_ended("thread.run.incomplete", "length"),
    "thread.run.failed": ([], "rate_limited"),
    "thread.run.cancelled": ([], "cancelled"),
    "thread.run.expired": ([], "timeout"),
    "thread.run.step.delta": ([ToolCallStart(*CALL, "thread.run.step.delta")], "truncated"),
    "thread.message.delta": (
        [
            TextStart(MA, "thread.message.delta"),
            TextDelta(MA, "Tea is", "thread.message.delta"),
        ],
        "truncated",
    ),
    "thread.message.completed": (
        whole(TEXT_KIND, MA, "Tea is at five.", "thread.message.completed"),
        "truncated",
    ),
    "thread.message.incomplete": (
        whole(TEXT_KIND, MA, "Tea is at five.", "thread.message.incomplete"),
        "truncated",
    ),
}
"""What is told at the event, and at the end: a code where that is an error."""

ERRORS = {"responses": "rate_limited", "assistants": "server_error"}


@pytest.mark.parametrize(("api", "name"), CASES)
def test_an_event_becomes(api: str, name: str) -> None:
    dialect = ResponsesDialect() if api == "responses" else AssistantsDialect()
    for before in BEFORE.get(name, []):
        list(dialect.feed(read(api, before)))
    became: Became = ([], [])
    try:
        became[0].extend(dialect.feed(read(api, FIXTURES[api][name])))
        became = became[0], list(dialect.finish())
    except StreamUIError as error:
        became = became[0], error.code
    expected = BECOMES.get(name, ([provider(name)], "truncated"))
    if name == "error":
        expected = [], ERRORS[api]
    assert became == expected


ENDS = {
    "responses": ["response.completed", "response.incomplete", "response.failed", "error"],
    "assistants": [
        f"thread.run.{status}"
        for status in (
            "requires_action",
            "completed",
            "incomplete",
            "failed",
            "cancelled",
            "expired",
        )
    ]
    + ["error"],
}


@pytest.mark.filterwarnings("ignore:The Assistants API:DeprecationWarning")
@pytest.mark.parametrize(("api", "end"), [(api, end) for api in ENDS for end in ENDS[api]])
async def test_every_event_is_told_under_its_own_name(provider: Any, api: str, end: str) -> None:
    """All of them in one stream, over HTTP, as a line that shows the status would have them."""
    sent = [name for name in FIXTURES[api] if name not in ENDS[api]]
    # Their own order, which is not the alphabet's, matters only here.
    sent.sort(key=lambda name: (name.endswith(("done", "completed", "incomplete")), name))
    if api == "assistants":
        sent.remove("thread.message.incomplete")
    client, _ = await provider(sse(*(FIXTURES[api][name] for name in [*sent, end])))
    stream: Any = await (
        client.responses.create(model="m", input="q", stream=True)
        if api == "responses"
        else client.beta.threads.create_and_run(assistant_id="a", stream=True)
    )
    told: list[str] = []
    try:
        async for event in model_events(stream):
            if event.provider_event not in told:
                told.append(event.provider_event)
        assert event.type == "finish"  # pyright: ignore[reportPossiblyUnboundVariable]
    except StreamUIError as error:
        code = error.code
        assert isinstance(error, ModelError) == (end != "thread.run.cancelled")
        assert code == (ERRORS[api] if end == "error" else BECOMES[end][1])
    assert told == [*sent, end]


MOST = int(os.environ.get("STREAMUI_TEST_NONSENSE", "6"))
JUNK: list[object] = [None, True, 5, -1.5, "", "tea", "\ud83d", [], [None], {}, {"type": "text"}]


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All paths into a JSON value."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inner = enumerate(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def changed(value: Any, path: tuple[Any, ...], junk: object) -> Any:
    copied = copy.copy(value)
    copied[path[0]] = junk if len(path) == 1 else changed(value[path[0]], path[1:], junk)
    return copied


def well_typed(event: ModelEvent) -> bool:
    for name in ("id", "delta", "name", "arguments", "refusal", "response_id", "provider_event"):
        if not isinstance(getattr(event, name, ""), str):
            return False
    counts = ("input_tokens", "output_tokens", "total_tokens")
    return all(type(getattr(event, name, 0)) is int for name in counts)


@pytest.mark.parametrize(("api", "name"), CASES)
def test_nonsense_in_any_place_is_an_event_of_the_right_types_or_an_error(
    api: str, name: str
) -> None:
    """Whatever a dialect raises is typed by whoever reads it, ``malformed`` mostly."""
    fixture = FIXTURES[api][name]
    told = 0
    every = list(itertools.product(places(fixture), JUNK))
    some = random.Random(name).sample(every, min(MOST, len(every)))  # all of them take a minute
    for path, junk in some:
        dialect = ResponsesDialect() if api == "responses" else AssistantsDialect()
        for before in BEFORE.get(name, []):
            list(dialect.feed(read(api, before)))
        became: list[ModelEvent] = []
        try:
            became.extend(dialect.feed(read(api, changed(fixture, path, junk))))
            became.extend(dialect.finish())
        except Exception as error:
            made = stream_failure(error, begun=True)
            assert isinstance(made, ModelError | StreamCancelledError)
        for event in [*became, *dialect.close_parts()]:
            told += 1
            assert well_typed(event), (path, junk, event)
    assert told or name in ("error", "response.failed") or name.startswith("thread.run.")
