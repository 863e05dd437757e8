"""What is kept of each call to a model: numbers and names, nothing of what was said."""

from __future__ import annotations

import asyncio
import gc
import json
from functools import partial
from typing import Any

import pytest

import streamui as ui
from streamui.errors import ModelError
from streamui.models import calls
from streamui.models.calls import CallTotals, ModelCall, call_totals
from streamui.models.demo import DemoServer
from streamui.models.model_events import model_events

QUICK = "Write 12 words about tea flat out"
STALL = "Write 100 words about tea, stall after 5 words"


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[ModelCall]:
    """The calls that have ended, as telemetry is told of them."""
    found: list[ModelCall] = []
    monkeypatch.setattr(calls, "on_begin", [lambda call: lambda: found.append(call)])
    return found


async def answer(stream: Any) -> str:
    return "".join([e.delta async for e in model_events(stream) if e.type == "text-delta"])


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
async def test_a_call_is_known_by_its_numbers_and_names(
    api: str, client: Any, demo: DemoServer, ended: list[ModelCall]
) -> None:
    if api == "responses":
        ask = partial(client.responses.create, input=QUICK)
    else:
        usage = {"include_usage": True}
        messages = [{"role": "user", "content": QUICK}]
        ask = partial(client.chat.completions.create, messages=messages, stream_options=usage)
    text = await answer(await ask(model="streamui-demo", stream=True))
    assert len(text.split()) == 12
    (call,) = ended
    assert (call.api, call.model, call.answered_by) == (api, "streamui-demo", "streamui-demo")
    assert f"http://{call.host}:{call.port}/v1" == demo.base_url
    assert (call.finish_reason, call.code, call.retries) == ("stop", "", 0)
    assert call.response_id
    assert call.input_tokens
    assert call.output_tokens
    assert call.first_chunk is not None
    assert 0 < call.first_chunk <= call.seconds < 10
    held = json.dumps([str(getattr(call, name)) for name in vars(call)])
    assert "tea" not in held
    assert text not in held


async def test_the_time_counts_from_the_request_although_its_stream_was_awaited_before(
    provider: Any, sse: Any, ended: list[ModelCall]
) -> None:
    client, _ = await provider(
        sse(
            {"type": "response.created", "response": {"id": "r", "model": "m"}},
            {"type": "response.output_text.delta", "delta": "Hi", "item_id": "a"},
            {"type": "response.completed", "response": {"id": "r", "model": "m"}},
        )
    )
    ask = partial(client.responses.create, model="asked", input="hello", stream=True)
    await answer(await ask())  # the SDK's first answer takes it longer
    ended.clear()
    stream = await ask()
    waited = 0.3
    await asyncio.sleep(waited)  # as a slow provider, or a page that shows something first
    assert await answer(stream) == "Hi"
    (call,) = ended
    assert (call.model, call.answered_by) == ("asked", "m")
    assert call.first_chunk is not None
    assert call.seconds >= call.first_chunk >= waited


async def test_a_failed_call_has_its_code_and_the_model_that_was_asked(
    provider: Any, ended: list[ModelCall]
) -> None:
    client, _ = await provider('{"error": {"message": "no"}}', status=429)
    ask = client.responses.create(model="asked", input="hello", stream=True)
    with pytest.raises(ModelError):
        await answer(ask)
    (call,) = ended
    assert (call.code, call.model, call.first_chunk) == ("rate_limited", "asked", None)


async def test_a_call_that_somebody_stops_ends_as_cancelled(
    client: Any, ended: list[ModelCall]
) -> None:
    gc.collect()  # what other tests have left
    before = call_totals()[0]
    stream = await client.responses.create(model="streamui-demo", input=STALL, stream=True)
    events = model_events(stream)
    async for event in events:
        if event.type == "text-delta":
            break
    assert call_totals()[0] == before + 1
    await events.aclose()
    await events.aclose()
    (call,) = ended
    assert (call.code, call.finish_reason) == ("cancelled", "")
    assert call.first_chunk is not None
    assert call_totals()[0] == before


async def test_a_call_whose_loop_was_left_ends_when_nobody_has_it_any_more(
    client: Any, ended: list[ModelCall], until: Any
) -> None:
    stream = await client.responses.create(model="streamui-demo", input=STALL, stream=True)
    async for event in model_events(stream):
        if event.type == "text-delta":
            break
    gc.collect()
    await until(lambda: ended)
    assert ended[0].code == "cancelled"


async def test_a_model_that_is_no_http_service_has_numbers_but_no_name(
    ended: list[ModelCall],
) -> None:
    async def words():
        yield "one "
        yield "two"

    assert await answer(words()) == "one two"
    (call,) = ended
    assert (call.host, call.model, call.api, call.code) == ("", "", "", "")


async def test_calls_add_up_by_model(client: Any, ended: list[ModelCall]) -> None:
    def now() -> tuple[int, int, int]:
        told = ui.stats().models.get("streamui-demo")
        return (told.ended, told.input_tokens, told.output_tokens) if told else (0, 0, 0)

    before = now()
    for _ in range(2):
        ask = client.responses.create(model="streamui-demo", input=QUICK, stream=True)
        await answer(ask)
    grown = tuple(b - a for a, b in zip(before, now(), strict=True))
    wanted = (sum(c.input_tokens or 0 for c in ended), sum(c.output_tokens or 0 for c in ended))
    assert grown == (2, *wanted)


async def test_a_request_too_large_to_look_into_is_named_by_its_answer(
    client: Any, ended: list[ModelCall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamui.models.body._LONGEST", 10)
    await answer(client.responses.create(model="streamui-demo", input=QUICK, stream=True))
    assert (ended[0].model, ended[0].answered_by) == ("", "streamui-demo")


async def test_whoever_measures_badly_does_no_harm(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(calls, "on_begin", [fail, lambda call: fail])
    ask = client.responses.create(model="streamui-demo", input=QUICK, stream=True)
    assert len((await answer(ask)).split()) == 12
    assert [record.message for record in caplog.records].count(
        "what listens to calls to models failed"
    ) == 2


def test_totals_can_be_merged() -> None:
    one, two = CallTotals({"": 1}, 2, 3), CallTotals({"": 1, "timeout": 1}, 4, 5, 6)
    one.merge(two)
    assert (one.ends, one.input_tokens, one.output_tokens, one.retries) == (
        {"": 2, "timeout": 1},
        6,
        8,
        6,
    )
