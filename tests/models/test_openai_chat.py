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

CHUNK = "chat.completion.chunk"
HEAD = {"id": "chatcmpl-1", "object": CHUNK, "created": 1, "model": "m"}


def chunk(reason: str | None = None, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}


@pytest.fixture
def heard(provider: Any, sse: Callable[..., str]) -> Callable[..., Any]:
    async def hear(*sent: dict[str, Any], done: bool = True) -> list[Any]:
        client, _ = await provider(sse(*sent) + ("data: [DONE]\n\n" if done else ""))
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        return [event async for event in model_events(stream)]

    return hear


async def test_text_comes_as_start_deltas_end_usage_and_finish(heard: Any) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events = await heard(
        chunk(role="assistant", content=""),
        chunk(content="Hello"),
        chunk(content=", you"),
        chunk("stop"),
        {**HEAD, "choices": [], "usage": usage},
    )
    assert [event for event in events if event.type != "provider"] == [
        TextStart("0", CHUNK),
        TextDelta("0", "Hello", CHUNK),
        TextDelta("0", ", you", CHUNK),
        TextEnd("0", CHUNK),
        Usage(3, 2, 5, {}, CHUNK),
        Finish("stop", "chatcmpl-1", CHUNK),
    ]
    assert events[0] == ProviderEvent(CHUNK, None, CHUNK)


async def test_usage_in_every_chunk_is_told_once(heard: Any) -> None:
    def used(n: int) -> dict[str, Any]:
        return {"usage": {"prompt_tokens": 1, "completion_tokens": n, "total_tokens": n + 1}}

    events = await heard(chunk(content="a") | used(1), chunk("stop", content="b") | used(2))
    assert [event.output_tokens for event in events if event.type == "usage"] == [2]


async def test_a_finish_reason_is_enough_without_the_done_line(heard: Any) -> None:
    events = await heard(chunk(content="a"), chunk("length"), done=False)
    assert events[-1] == Finish("length", "chatcmpl-1", CHUNK)


@pytest.mark.parametrize("done", [True, False])
async def test_no_finish_reason_is_truncated(heard: Any, done: bool) -> None:
    with pytest.raises(ModelError) as caught:
        await heard(chunk(content="a"), done=done)
    assert caught.value.code == "truncated"


async def test_a_cut_after_the_finish_reason_loses_nothing(provider: Any, sse: Any) -> None:
    client, _ = await provider(sse(chunk(content="a"), chunk("stop")), end="cut")
    stream = await client.chat.completions.create(model="m", messages=[], stream=True)
    assert [event.type async for event in model_events(stream)][-1] == "finish"


async def test_two_tool_calls_come_in_pieces_and_whole(heard: Any) -> None:
    def call(index: int, arguments: str, **head: Any) -> dict[str, Any]:
        name = {"name": head.pop("name")} if head else {}
        said = {"index": index, **head, "function": {"arguments": arguments, **name}}
        return chunk(tool_calls=[said])

    events = await heard(
        call(0, "", id="call_a", name="weather", type="function"),
        call(0, '{"city":'),
        call(0, '"Bonn"}'),
        call(1, "{}", id="call_b", name="clock", type="function"),
        chunk("tool_calls"),
    )
    assert events == [
        ToolCallStart("call_a", "weather", CHUNK),
        ToolCallDelta("call_a", '{"city":', CHUNK),
        ToolCallDelta("call_a", '"Bonn"}', CHUNK),
        ToolCallStart("call_b", "clock", CHUNK),
        ToolCallDelta("call_b", "{}", CHUNK),
        ToolCall("call_a", "weather", '{"city":"Bonn"}', CHUNK),
        ToolCall("call_b", "clock", "{}", CHUNK),
        Finish("tool-calls", "chatcmpl-1", CHUNK),
    ]


async def test_a_call_without_an_id_gets_one_that_no_other_answer_has(heard: Any) -> None:
    said = {"index": 0, "function": {"name": "clock", "arguments": "{}"}}
    calls = [
        event.id
        for number in (1, 2)
        for event in await heard(
            chunk(tool_calls=[said]) | {"id": f"chatcmpl-{number}"},
            chunk("tool_calls") | {"id": f"chatcmpl-{number}"},
        )
        if event.type == "tool-call"
    ]
    assert calls == ["call_chatcmpl-1_0", "call_chatcmpl-2_0"]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_other_servers_reasoning_is_reasoning(heard: Any, field: str) -> None:
    events = await heard(chunk(None, 0, **{field: "hm"}), chunk(content="Tea"), chunk("stop"))
    assert events[:4] == [
        ReasoningStart("0", CHUNK),
        ReasoningDelta("0", "hm", CHUNK),
        ReasoningEnd("0", CHUNK),
        TextStart("1", CHUNK),
    ]


async def test_a_refusal_ends_with_all_of_it(heard: Any) -> None:
    events = await heard(chunk(refusal="I "), chunk(refusal="won't"), chunk("stop"))
    assert events[:3] == [
        RefusalDelta("0", "I ", CHUNK),
        RefusalDelta("0", "won't", CHUNK),
        RefusalEnd("0", "I won't", CHUNK),
    ]


async def test_only_the_first_choice_is_read(heard: Any) -> None:
    events = await heard(chunk(content="a"), chunk(content="b", index=1), chunk("stop"))
    assert [event.delta for event in events if event.type == "text-delta"] == ["a"]


async def test_a_content_filter_is_a_finish_reason(heard: Any) -> None:
    events = await heard(chunk(content="a"), chunk("content_filter"))
    assert events[-1].reason == "content-filter"


async def test_a_finish_reason_of_error_is_an_error(heard: Any) -> None:
    with pytest.raises(ModelError) as caught:
        await heard(chunk(content="a"), chunk("error"))
    assert caught.value.code == "server_error"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "rate_limited"),
        ({"error": {"message": "x", "type": "overloaded_error"}}, "overloaded"),
        ({"object": "error", "message": "too long", "code": 400}, "bad_request"),
        ({"object": "error", "message": "x", "type": "ServerError", "code": 503}, "overloaded"),
        ({"surprise": 1}, "malformed"),
        ([1, 2], "malformed"),
        ("text", "malformed"),
        (None, "malformed"),
    ],
)
async def test_what_is_no_chunk_is_an_error(provider: Any, sent: Any, code: str) -> None:
    import json

    first = json.dumps(chunk(content="a"))
    for body in (f"data: {first}\n\ndata: {json.dumps(sent)}\n\n", f"data: {json.dumps(sent)}\n\n"):
        client, _ = await provider(body)
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
        with pytest.raises(ModelError) as caught:
            [event async for event in model_events(stream)]
        assert caught.value.code == code


async def test_the_sdks_stream_helper_gives_the_same_events(provider: Any, sse: Any) -> None:
    sent = [chunk(role="assistant", content=""), chunk(content="Hi"), chunk("stop")]
    client, _ = await provider(sse(*sent) + "data: [DONE]\n\n")
    raw = await client.chat.completions.create(model="m", messages=[], stream=True)
    plain = [event async for event in model_events(raw)]
    manager = client.chat.completions.stream(model="m", messages=[])
    assert [event async for event in model_events(manager)] == plain
