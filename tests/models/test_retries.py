"""A provider that fails before its first token is asked again, as often and as late as is good."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import openai
import pytest

from streamui.errors import ModelError, NotStreamableError
from streamui.models import upstream
from streamui.models.client import default_client
from streamui.models.events import Retry
from streamui.models.failures import as_model_error
from streamui.models.model_events import model_events
from streamui.settings import settings

pytestmark = pytest.mark.slow

CREATED = {"type": "response.created", "response": {"id": "r", "output": []}}
PART = {
    "type": "response.content_part.added",
    "item_id": "m",
    "output_index": 0,
    "content_index": 0,
    "part": {"type": "output_text", "text": "", "annotations": []},
}
DELTA = {
    "type": "response.output_text.delta",
    "item_id": "m",
    "output_index": 0,
    "content_index": 0,
    "delta": "tea",
}
COMPLETED = {
    "type": "response.completed",
    "response": {"id": "r", "status": "completed", "output": []},
}
OVERLOADED = {"type": "error", "code": "overloaded", "message": "come back later"}
HTML = {"content-type": "text/html"}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries of our own that do not wait for long; the SDK's are as they are."""
    monkeypatch.setattr(upstream, "_FIRST_DELAY", 0.02)


@pytest.fixture
def answers(provider: Any, sse: Callable[..., str]) -> Callable[..., Any]:
    """A provider that fails as told for the first requests, and then says "tea"."""

    async def start(*first: dict[str, Any]) -> Any:
        client, made = await provider(sse(CREATED, PART, DELTA, COMPLETED), first=first)
        ask = partial(client.responses.create, model="m", input="q", stream=True)
        return client, made, ask

    return start


def body(sse: Callable[..., str], *events: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"body": (sse(*events).encode(),), **options}


async def text(events: Any) -> str:
    return "".join([event.delta async for event in events if event.type == "text-delta"])


# -- the SDK's own ----------------------------------------------------------------------------


@pytest.fixture
def to(monkeypatch: pytest.MonkeyPatch, no_key: None) -> Callable[[Any], Any]:
    """The default client, of this provider."""

    def client(made: Any) -> Any:
        monkeypatch.setenv("OPENAI_BASE_URL", made.base_url)
        return default_client()

    return client


async def test_fault_32_a_429_with_retry_after_1_is_waited_for(answers: Any, to: Any) -> None:
    _, made, _ = await answers({"status": 429, "headers": {"retry-after": "1"}, "body": (b"{}",)})
    stream = await to(made).responses.create(model="m", input="q", stream=True)
    assert await text(model_events(stream)) == "tea"
    first, second = made.asked_at
    assert 1.0 <= second - first < 3.0


@pytest.mark.parametrize("wait", ["121", "86400"])
async def test_fault_32_a_429_with_retry_after_121_is_rate_limited_at_once(
    answers: Any, to: Any, wait: str
) -> None:
    _, made, _ = await answers({"status": 429, "headers": {"retry-after": wait}, "body": (b"{}",)})
    with pytest.raises(openai.RateLimitError) as caught:
        await to(made).responses.create(model="m", input="q", stream=True)
    error = as_model_error(caught.value)
    assert error is not None
    assert (error.code, error.retry_after) == ("rate_limited", float(wait))
    assert made.requests == 1


async def test_fault_32_the_longest_wait_is_a_setting(
    answers: Any, to: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "retry_after_limit", 2.0)
    _, made, _ = await answers({"status": 429, "headers": {"retry-after": "3"}, "body": (b"{}",)})
    ask = partial(to(made).responses.create, model="m", input="q", stream=True)
    with pytest.raises(ModelError) as caught:
        await text(model_events(ask))
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 3.0)
    assert made.requests == 1


@pytest.mark.parametrize("status", [500, 529])
async def test_fault_33_a_status_before_the_first_token_is_tried_again_and_not_for_ever(
    answers: Any, to: Any, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(settings, "model_retries", 1)
    fails = {"status": status, "body": (b"{}",)}
    _, made, _ = await answers(fails)
    assert await text(model_events(to(made).responses.create(model="m", input="q", stream=True)))
    assert made.requests == 2
    _, made, _ = await answers(*[fails] * 5)
    ask = partial(to(made).responses.create, model="m", input="q", stream=True)
    with pytest.raises(ModelError) as caught:
        await text(model_events(ask))
    assert caught.value.code == {500: "server_error", 529: "overloaded"}[status]
    # What the client has tried often enough is not tried as often once more.
    assert made.requests == 2


async def test_fault_33_an_error_after_the_first_token_is_not_tried_again(
    answers: Any, sse: Any, quick: None
) -> None:
    _, made, ask = await answers(body(sse, CREATED, PART, DELTA, OVERLOADED))
    heard: list[Any] = []
    with pytest.raises(ModelError) as caught:
        async for event in model_events(ask):
            heard.append(event)
    assert caught.value.code == "overloaded"
    assert made.requests == 1
    kinds = [event.type for event in heard]
    assert kinds == ["provider", "text-start", "text-delta", "text-end", "error"]


# -- what the SDK's retries do not reach: the stream was open already ---------------------------


def broken(sse: Any) -> list[tuple[str, dict[str, Any], str]]:
    error = {"code": "server_error", "message": "sk-proj-aBcD1234efgh5678 failed"}
    failed = {"type": "response.failed", "response": {"id": "r", "error": error}}
    return [
        ("an error event", body(sse, CREATED, OVERLOADED), "overloaded"),
        ("a failed response", body(sse, CREATED, PART, failed), "server_error"),
        ("a cut at once", {"body": (), "end": "cut"}, "connection"),
        ("a cut after its greeting", body(sse, CREATED, end="cut"), "truncated"),
        ("an early end", body(sse, CREATED, PART), "truncated"),
        ("nothing", {"body": ()}, "truncated"),
        ("a page of HTML", {"body": (b"<html>Sign in",), "headers": HTML}, "malformed"),
        ("no JSON", {"body": (b"data: {]\n\n",)}, "malformed"),
    ]


CASES = [name for name, _, _ in broken(lambda *events: "")]


@pytest.mark.parametrize("case", range(len(CASES)), ids=CASES)
async def test_fault_33_a_stream_that_fails_before_its_first_token_is_asked_for_again(
    answers: Any, sse: Any, quick: None, case: int
) -> None:
    _, fails, code = broken(sse)[case]
    _, made, ask = await answers(fails, fails)
    heard = [event async for event in model_events(ask)]
    assert made.requests == 3
    assert [event.delta for event in heard if event.type == "text-delta"] == ["tea"]
    assert heard[-1].type == "finish"
    retries = [event for event in heard if isinstance(event, Retry)]
    assert [event.code for event in retries] == [code, code]
    assert all(event.sentence == ModelError.sentences[code] for event in retries)
    kinds = [event.type for event in heard]
    assert kinds.count("text-start") == kinds.count("text-end")


@pytest.mark.parametrize("case", range(len(CASES)), ids=CASES)
async def test_fault_33_the_retries_are_bounded_and_the_last_error_is_told(
    answers: Any, sse: Any, quick: None, case: int
) -> None:
    _, fails, code = broken(sse)[case]
    _, made, ask = await answers(*[fails] * 9)
    heard: list[Any] = []
    with pytest.raises(ModelError) as caught:
        async for event in model_events(ask, retries=3):
            heard.append(event)
    assert made.requests == 4
    assert caught.value.code == code
    kinds = [event.type for event in heard]
    assert kinds.count("retry") == 3
    assert kinds.count("error") == 1 and kinds[-1] == "error"
    assert kinds.count("text-start") == kinds.count("text-end")


async def test_the_number_of_retries_is_a_setting(
    answers: Any, sse: Any, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, made, ask = await answers(*[body(sse, CREATED, OVERLOADED)] * 9)
    monkeypatch.setattr(settings, "model_retries", 1)
    with pytest.raises(ModelError):
        await text(model_events(ask))
    assert made.requests == 2
    with pytest.raises(ModelError):
        await text(model_events(ask, retries=0))
    assert made.requests == 3


async def test_the_waits_grow_and_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from the events: nothing here waits for them."""
    monkeypatch.setattr(upstream, "_FIRST_DELAY", 0.5)
    delay = upstream._delay  # pyright: ignore[reportPrivateUsage]
    delays = [[delay(times) for times in range(7)] for _ in range(50)]
    for times, column in enumerate(zip(*delays, strict=True)):
        longest = min(8.0, 0.5 * 2**times)
        assert all(longest / 2 <= seconds <= longest for seconds in column)
        assert len(set(column)) > 1


async def test_a_retry_is_waited_for_before_the_next_request(answers: Any, sse: Any) -> None:
    _, made, ask = await answers(body(sse, CREATED, OVERLOADED))
    heard = [event async for event in model_events(ask)]
    (retry,) = [event for event in heard if event.type == "retry"]
    first, second = made.asked_at
    assert 0.25 <= retry.delay <= 0.5
    assert second - first >= retry.delay * 0.99


@pytest.mark.parametrize("code", ["invalid_prompt", "invalid_api_key", "insufficient_quota"])
async def test_what_cannot_succeed_is_not_tried_again(answers: Any, sse: Any, code: str) -> None:
    _, made, ask = await answers(*[body(sse, CREATED, {**OVERLOADED, "code": code})] * 2)
    with pytest.raises(ModelError) as caught:
        await text(model_events(ask))
    assert not caught.value.retryable
    assert made.requests == 1


async def test_a_tool_call_counts_as_the_answer(answers: Any, sse: Any, quick: None) -> None:
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "pay", "arguments": ""}
    added = {"type": "response.output_item.added", "output_index": 0, "item": call}
    _, made, ask = await answers(body(sse, CREATED, added, OVERLOADED))
    with pytest.raises(ModelError):
        await text(model_events(ask))
    assert made.requests == 1


async def test_a_stream_that_was_given_open_is_not_asked_for_again(
    answers: Any, sse: Any, quick: None
) -> None:
    _, made, ask = await answers(body(sse, CREATED, OVERLOADED))
    with pytest.raises(ModelError):
        await text(model_events(await ask()))
    assert made.requests == 1


async def test_a_chat_is_asked_for_again_too(provider: Any, sse: Any, quick: None) -> None:
    chunk = {"id": "c", "object": "chat.completion.chunk"}
    first = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}
    said = {"choices": [{"index": 0, "delta": {"content": "tea"}, "finish_reason": "stop"}]}
    cut = {"body": (sse({**chunk, **first}).encode(),), "end": "cut"}
    client, made = await provider(sse({**chunk, **said}), first=(cut, cut))
    heard = model_events(
        lambda: client.chat.completions.create(model="m", messages=[], stream=True)
    )
    assert await text(heard) == "tea"
    assert made.requests == 3


async def test_the_sdks_stream_helper_is_asked_for_again_too(
    answers: Any, sse: Any, quick: None
) -> None:
    client, made, _ = await answers(body(sse, CREATED, OVERLOADED))
    item = {"id": "m", "type": "message", "role": "assistant", "content": []}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    done = {**added, "type": "response.output_item.done"}
    made.body = (sse(CREATED, added, PART, {**DELTA, "logprobs": []}, done, COMPLETED).encode(),)
    assert await text(model_events(lambda: client.responses.stream(model="m", input="q"))) == "tea"
    assert made.requests == 2


async def test_any_function_that_gives_a_stream_will_do(quick: None) -> None:
    asked = 0

    async def words() -> AsyncIterator[str]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ModelError("busy", code="overloaded")
        yield "tea"

    assert await text(model_events(words)) == "tea"
    assert asked == 2


@pytest.mark.parametrize(("wait", "asked"), [(0.05, 2), (121.0, 1)])
async def test_fault_32_a_wait_that_a_stream_asks_for_is_kept_within_the_limit(
    wait: float, asked: int
) -> None:
    times: list[float] = []

    async def words() -> AsyncIterator[str]:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 1:
            raise ModelError("busy", code="rate_limited", retry_after=wait)
        yield "tea"

    heard: list[Any] = []
    with suppress(ModelError):
        async for event in model_events(words):
            heard.append(event)
    assert len(times) == asked
    if asked == 2:
        assert heard[0].delay == wait <= times[1] - times[0]
    else:
        assert (heard[0].code, heard[0].retry_after) == ("rate_limited", wait)


async def test_a_function_must_give_an_async_stream(demo: Any) -> None:
    with openai.OpenAI(api_key="none", base_url=demo.base_url) as client:
        create = partial(client.responses.create, model="m", input="Write 3 words flat out")
        with pytest.raises(NotStreamableError, match="async client"):
            await text(model_events(partial(create, stream=True)))
        with pytest.raises(NotStreamableError, match="stream=True"):
            await text(model_events(create))


async def test_what_the_function_raises_is_its_own(quick: None) -> None:
    asked = 0

    def ask() -> Any:
        nonlocal asked
        asked += 1
        raise KeyError("model")

    with pytest.raises(ModelError) as caught:
        await text(model_events(ask))
    assert isinstance(caught.value.__cause__, KeyError)
    assert asked == 1


async def test_a_stop_while_it_waits_for_the_next_try_asks_no_more(answers: Any, sse: Any) -> None:
    _, made, ask = await answers(body(sse, CREATED, OVERLOADED))
    events = model_events(ask)
    async for event in events:
        if event.type == "retry":
            break
    reading = asyncio.create_task(events.__anext__())
    await asyncio.sleep(0)
    await events.aclose()
    with pytest.raises(Exception, match="closed"):
        await reading
    assert made.requests == 1


async def test_a_retry_is_in_the_log_without_secrets(
    answers: Any, sse: Any, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "streamui")
    message = "key sk-proj-aBcD1234efgh5678 is busy"
    _, _, ask = await answers(body(sse, CREATED, {**OVERLOADED, "message": message}))
    await text(model_events(ask))
    assert "is busy" in caplog.text
    assert "aBcD" not in caplog.text
