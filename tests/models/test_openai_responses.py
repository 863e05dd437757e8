from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streamui.errors import ModelError
from streamui.models.events import (
    Finish,
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
from streamui.models.model_events import model_events

PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
CREATED = {"type": "response.created", "response": {"id": "resp_1", "output": []}}
PART = {
    "type": "response.content_part.added",
    **PLACE,
    "part": {"type": "output_text", "text": "", "annotations": []},
}
DONE = {"type": "response.output_text.done", **PLACE}


def delta(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", **PLACE, "delta": text, **more}


def ended(status: str = "completed", **more: Any) -> dict[str, Any]:
    response = {"id": "resp_1", "status": status, "output": [], **more}
    return {"type": f"response.{status}", "response": response}


@pytest.fixture
def heard(provider: Any, sse: Callable[..., str]) -> Callable[..., Any]:
    async def hear(*sent: dict[str, Any]) -> list[Any]:
        client, _ = await provider(sse(*sent))
        stream = await client.responses.create(model="m", input="q", stream=True)
        return [event async for event in model_events(stream)]

    return hear


async def test_text_comes_as_start_deltas_end_and_finish(heard: Any) -> None:
    usage = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 5,
    }
    sent = [CREATED, PART, delta("Hello"), delta(", you"), {**DONE, "text": "Hello, you"}]
    events = await heard(*sent, ended(usage=usage))
    assert events == [
        ProviderEvent("response.created", None, "response.created"),
        TextStart("msg_1:0", "response.content_part.added"),
        TextDelta("msg_1:0", "Hello", "response.output_text.delta"),
        TextDelta("msg_1:0", ", you", "response.output_text.delta"),
        TextEnd("msg_1:0", "response.output_text.done"),
        Usage(
            3,
            2,
            5,
            {"cached_tokens": 1, "cache_write_tokens": 0, "reasoning_tokens": 0},
            "response.completed",
        ),
        Finish("stop", "resp_1", "response.completed"),
    ]


async def test_a_text_without_its_announcement_is_started(heard: Any) -> None:
    events = await heard(delta("Hi"), ended())
    assert [event.type for event in events] == ["text-start", "text-delta", "text-end", "finish"]


async def test_what_only_the_whole_text_has_is_not_lost(heard: Any) -> None:
    events = await heard(PART, delta("Hel"), {**DONE, "text": "Hello"}, ended())
    assert [e.delta for e in events if e.type == "text-delta"] == ["Hel", "lo"]


async def test_a_text_that_only_the_finished_response_has_is_told(heard: Any) -> None:
    content = [{"type": "output_text", "text": "Hello", "annotations": []}]
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": content}
    events = await heard(CREATED, ended(output=[item]))
    assert [event.type for event in events[1:]] == [
        "text-start",
        "text-delta",
        "text-end",
        "finish",
    ]
    assert events[2].delta == "Hello"


async def test_a_lost_delta_is_noticed(heard: Any) -> None:
    with pytest.raises(ModelError, match="lost") as caught:
        await heard(PART, delta("lo"), {**DONE, "text": "Hello"}, ended())
    assert caught.value.code == "malformed"


async def test_fault_46_a_surrogate_pair_split_between_deltas_is_joined(heard: Any) -> None:
    events = await heard(PART, delta("a\ud83c"), delta("\udf75b"), ended())
    assert [e.delta for e in events if e.type == "text-delta"] == ["a", "🍵b"]


@pytest.mark.parametrize("half", ["a\ud83c", "a\udf75", "a\udf75b", "a\ud83cb"])
async def test_fault_45_half_a_surrogate_pair_is_replaced(heard: Any, half: str) -> None:
    events = await heard(PART, delta(half), {**DONE, "text": half}, ended())
    said = "".join(e.delta for e in events if e.type == "text-delta")
    assert said == half.replace("\ud83c", "\ufffd").replace("\udf75", "\ufffd")


@pytest.mark.parametrize(
    ("stem", "index"),
    [
        ("response.reasoning_summary_text", "summary_index"),
        ("response.reasoning_text", "content_index"),
    ],
)
async def test_reasoning_has_its_own_events(heard: Any, stem: str, index: str) -> None:
    place = {"item_id": "rs_1", "output_index": 0, index: 1}
    events = await heard(
        {"type": f"{stem}.delta", **place, "delta": "hm"},
        {"type": f"{stem}.done", **place, "text": "hm"},
        ended(),
    )
    assert events[:3] == [
        ReasoningStart("rs_1:1", f"{stem}.delta"),
        ReasoningDelta("rs_1:1", "hm", f"{stem}.delta"),
        ReasoningEnd("rs_1:1", f"{stem}.done"),
    ]


async def test_a_refusal_ends_with_all_of_it(heard: Any) -> None:
    events = await heard(
        {**PART, "part": {"type": "refusal", "refusal": ""}},
        {"type": "response.refusal.delta", **PLACE, "delta": "I "},
        {"type": "response.refusal.delta", **PLACE, "delta": "won't"},
        {"type": "response.refusal.done", **PLACE, "refusal": "I won't"},
        ended(),
    )
    assert events[1:] == [
        RefusalDelta("msg_1:0", "I ", "response.refusal.delta"),
        RefusalDelta("msg_1:0", "won't", "response.refusal.delta"),
        RefusalEnd("msg_1:0", "I won't", "response.refusal.done"),
        Finish("stop", "resp_1", "response.completed"),
    ]


async def test_a_tool_call_comes_in_pieces_and_whole(heard: Any) -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather"}
    place = {"item_id": "fc_1", "output_index": 0}
    stem = "response.function_call_arguments"
    events = await heard(
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**call, "arguments": ""},
        },
        {"type": f"{stem}.delta", **place, "delta": '{"city":'},
        {"type": f"{stem}.delta", **place, "delta": '"Bonn"}'},
        {"type": f"{stem}.done", **place, "arguments": '{"city":"Bonn"}'},
        {"type": "response.output_item.done", "output_index": 0, "item": call},
        ended(),
    )
    assert [event for event in events if event.type != "provider"] == [
        ToolCallStart("call_1", "weather", "response.output_item.added"),
        ToolCallDelta("call_1", '{"city":', f"{stem}.delta"),
        ToolCallDelta("call_1", '"Bonn"}', f"{stem}.delta"),
        ToolCall("call_1", "weather", '{"city":"Bonn"}', f"{stem}.done"),
        Finish("tool-calls", "resp_1", "response.completed"),
    ]


async def test_a_custom_tool_call_is_a_tool_call(heard: Any) -> None:
    call = {"type": "custom_tool_call", "call_id": "call_1", "name": "shell", "input": "ls"}
    events = await heard(
        {"type": "response.output_item.added", "output_index": 2, "item": {**call, "input": ""}},
        {"type": "response.output_item.done", "output_index": 2, "item": call},
        ended(),
    )
    assert ToolCall("call_1", "shell", "ls", "response.output_item.done") in events


async def test_an_event_of_tomorrow_is_a_provider_event(heard: Any) -> None:
    events = await heard({"type": "response.hologram.flickers", "delta": "x"}, ended())
    assert events[0].type == "provider"
    assert events[0].name == events[0].provider_event == "response.hologram.flickers"


@pytest.mark.parametrize(
    ("why", "reason"),
    [("max_output_tokens", "length"), ("content_filter", "content-filter"), ("steered", "other")],
)
async def test_an_incomplete_response_says_why(heard: Any, why: str, reason: str) -> None:
    events = await heard(PART, delta("x"), ended("incomplete", incomplete_details={"reason": why}))
    assert [event.type for event in events[-2:]] == ["text-end", "finish"]
    assert events[-1].reason == reason


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("server_error", "server_error"),
        ("rate_limit_exceeded", "rate_limited"),
        ("invalid_prompt", "refused"),
        ("bio_policy", "refused"),
        ("invalid_image_url", "bad_request"),
        ("vector_store_timeout", "timeout"),
        ("something_new", "failed"),
    ],
)
async def test_a_failed_response_is_an_error(heard: Any, code: str, expected: str) -> None:
    error = {"code": code, "message": "key sk-abcdefgh12345678 broke"}
    with pytest.raises(ModelError) as caught:
        await heard(CREATED, PART, delta("x"), ended("failed", error=error))
    assert caught.value.code == expected
    assert "sk-abc" not in str(caught.value)


async def test_an_error_event_is_an_error(heard: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await heard(CREATED, {"type": "error", "code": "rate_limit_exceeded", "message": "slow"})
    assert (caught.value.code, caught.value.retryable) == ("rate_limited", True)


async def test_open_parts_are_ended_before_the_error(provider: Any, sse: Any) -> None:
    failed = ended("failed", error={"code": "server_error", "message": "x"})
    client, _ = await provider(sse(CREATED, PART, delta("x"), failed))
    events = model_events(await client.responses.create(model="m", input="q", stream=True))
    heard: list[Any] = []
    with pytest.raises(ModelError):
        async for event in events:
            heard.append(event)
    assert [event.type for event in heard[-3:]] == ["text-delta", "text-end", "error"]
    assert (heard[-1].code, heard[-1].provider_event) == ("server_error", "response.failed")
    with pytest.raises(ModelError):
        await anext(events)


async def test_the_finish_does_not_wait_for_the_connection(provider: Any, sse: Any) -> None:
    client, server = await provider(sse(CREATED, PART, delta("x"), ended()), end="hold")
    stream = await client.responses.create(model="m", input="q", stream=True)
    assert [event.type async for event in model_events(stream)][-1] == "finish"
    await server.left.wait()


async def test_the_sdks_stream_helper_gives_the_same_events(provider: Any, sse: Any) -> None:
    item = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    text = {"type": "output_text", "text": "Hi", "annotations": []}
    done = {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {**item, "content": [text]},
    }
    sent = [CREATED, added, PART, delta("Hi", logprobs=[]), {**DONE, "text": "Hi"}, done]
    client, _ = await provider(sse(*sent, ended(output=[{**item, "content": [text]}])))
    raw = await client.responses.create(model="m", input="q", stream=True)
    plain = [event async for event in model_events(raw)]
    manager = client.responses.stream(model="m", input="q")
    assert [event async for event in model_events(manager)] == plain
    async with client.responses.stream(model="m", input="q") as entered:
        assert [event async for event in model_events(entered)] == plain
