"""An answer: who reads it, how it ends, and what is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

import pytest

import streamui as ui
from streamui.errors import ModelError, StreamCancelledError
from streamui.models.demo import DemoServer
from streamui.models.events import ModelEvent
from streamui.models.text_result import TextResult
from streamui.server.run import Run

pytestmark = pytest.mark.usefixtures("demo_by_default")
Until = Callable[..., Awaitable[float]]
QUICK = "Write 12 words about rivers flat out"
SLOW = "Write 3000 words about rivers at 100 words per second"


def answers() -> set[str]:
    """The names of the tasks that answers have running."""
    return {task.get_name() for task in asyncio.all_tasks() if "streamui" in task.get_name()}


@pytest.fixture(autouse=True)
async def nothing_is_left(demo_by_default: DemoServer, until: Until) -> AsyncIterator[None]:
    yield
    await until(lambda: not answers() and not demo_by_default.stats().open)


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_any_number_of_readers_read_all_from_the_beginning(
    api: Literal["responses", "chat"],
) -> None:
    result = ui.stream_text(QUICK, model=ui.Model(api=api))

    async def events() -> list[ModelEvent]:
        return [event async for event in result]

    async def pieces() -> list[str]:
        return [piece async for piece in result.text_stream]

    first, second, said, text, usage = await asyncio.gather(
        events(), events(), pieces(), result.text, result.usage
    )
    assert first == second == await events()
    assert said == await pieces() == [e.delta for e in first if e.type == "text-delta"]
    assert "".join(said) == text == await result == result.text_so_far
    assert len(text.split()) == 12
    assert usage is not None and usage.output_tokens == 12
    assert usage in first and await result.finish_reason == "stop"
    assert (await result.response).messages[-1]["role"] == "assistant"
    assert [event.type for event in first[-2:]] == ["usage", "finish"]


async def test_all_text_goes_into_a_streamable_whenever_that_begins() -> None:
    early, late = ui.StreamableValue(""), ui.StreamableValue("So: ")
    result = ui.stream_text(QUICK).into(early)
    text = await result.into(late)
    assert early.value == text and late.value == "So: " + text
    assert early.streaming  # other text may follow
    after = ui.StreamableValue("")
    assert await result.into(after) == after.value == text


async def test_a_streamable_that_follows_ends_with_it() -> None:
    good = ui.StreamableValue.from_source(ui.stream_text(QUICK).text_stream)
    bad = ui.StreamableValue.from_source(ui.stream_text("fail with 401").text_stream)
    with suppress(ModelError):
        async for _ in ui.read_streamable(bad):
            pass
    async for _ in ui.read_streamable(good):
        pass
    assert (good.status, bad.status) == ("done", "error")


async def test_a_stop_ends_it_and_what_was_written_stands(
    demo_by_default: DemoServer, until: Until
) -> None:
    left = demo_by_default.stats().disconnected_by_client
    aborted: list[TextResult] = []
    result = ui.stream_text(SLOW, on_abort=aborted.append)
    pieces: list[str] = []
    with pytest.raises(StreamCancelledError):
        async for piece in result.text_stream:
            pieces.append(piece)
            result.stop()
            result.stop()
    with pytest.raises(StreamCancelledError):
        await result
    assert result.text_so_far == "".join(pieces) == aborted[0].text
    assert aborted[0].finish_reason is None and len(aborted) == 1
    types = [event.type for event in result._generation.telling.events]
    assert types.count("text-start") == types.count("text-end") == 1
    await until(lambda: demo_by_default.stats().disconnected_by_client == left + 1)


async def test_a_stop_before_it_has_begun_and_one_from_another_thread() -> None:
    aborted: list[TextResult] = []
    async with ui.stream_text(SLOW, on_abort=aborted.append) as early:
        pass
    assert aborted == [TextResult()]
    late = ui.stream_text(SLOW)
    async for _ in late.text_stream:
        break
    await asyncio.to_thread(late.stop)
    for result in (early, late):
        with pytest.raises(StreamCancelledError):
            await result


async def test_a_stop_after_the_end_changes_nothing() -> None:
    result = ui.stream_text(QUICK)
    text = await result
    result.stop()
    await result.aclose()
    assert await result == text


async def test_leaving_the_block_closes_the_connection(demo_by_default: DemoServer) -> None:
    async with ui.stream_text(SLOW) as result:
        async for _ in result.text_stream:
            break
    assert not answers()
    with pytest.raises(StreamCancelledError):
        await result


async def test_a_background_answer_can_be_left_and_read_on(
    demo_by_default: DemoServer, until: Until
) -> None:
    cancelled = demo_by_default.stats().cancelled
    result = ui.stream_text(SLOW, background=True)
    async for _ in result.text_stream:
        break
    cursor = await result.leave()
    assert cursor is not None and cursor == result.cursor and not answers()
    async with ui.resume(*cursor) as rest:
        async for event in rest:
            if event.type == "text-delta":
                break
        assert demo_by_default.stats().cancelled == cancelled
    await until(lambda: demo_by_default.stats().cancelled == cancelled + 1)


async def test_one_that_is_dropped_is_stopped(until: Until, demo_by_default: DemoServer) -> None:
    left = demo_by_default.stats().disconnected_by_client
    async for _ in ui.stream_text(SLOW).text_stream:
        break
    gc.collect()
    await until(lambda: demo_by_default.stats().disconnected_by_client == left + 1)


async def test_one_that_nobody_reads_goes_on_while_it_is_held(until: Until) -> None:
    done: list[TextResult] = []
    result = ui.stream_text(QUICK, on_finish=done.append)
    await until(lambda: bool(done))
    assert done[0].text == result.text_so_far


async def test_who_waits_for_a_part_of_it_holds_it() -> None:
    text = ui.stream_text(QUICK).text
    gc.collect()
    assert len((await text).split()) == 12


async def test_one_that_is_dropped_goes_on_for_its_streamable(until: Until) -> None:
    answer = ui.StreamableValue("")
    ui.stream_text(QUICK).into(answer)
    gc.collect()
    await until(lambda: len(answer.value.split()) == 12)
    answer.done()


async def test_a_reader_that_gives_up_disturbs_nobody() -> None:
    result = ui.stream_text(QUICK)
    reader = asyncio.ensure_future(anext(result.text_stream))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait([reader])
    assert not result._generation.telling._waiters
    assert len((await result).split()) == 12


async def test_a_streamable_that_follows_and_is_ended_stops_it(until: Until) -> None:
    answer = ui.StreamableValue.from_source(ui.stream_text(SLOW).text_stream)
    await until(lambda: bool(answer.value))
    answer.cancel()
    await until(lambda: not answers())


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("fail with 401", "authentication"),
        (f"{QUICK}, cut the connection after 3 words", "truncated"),
        (f"{QUICK}, send nonsense after 3 words", "malformed"),
        (f"{QUICK}, fail with 500 after 3 words", "server_error"),
    ],
)
async def test_a_failure_is_one_typed_error_for_all_who_wait(question: str, code: str) -> None:
    errors: list[Exception] = []
    result = ui.stream_text(question, on_error=errors.append, on_finish=errors.append)
    events: list[ModelEvent] = []
    with pytest.raises(ModelError) as raised:
        async for event in result:
            events.append(event)
    assert raised.value.code == code and errors == [raised.value]
    assert events[-1].type == "error" and events[-1].code == code
    for waiting in (result, result.usage, result.finish_reason, result.steps, result.response):
        with pytest.raises(ModelError):
            await waiting
    types = [event.type for event in events]
    assert types.count("text-start") == types.count("text-end")
    assert types.count("error") == 1


@pytest.mark.parametrize(
    "limits",
    [{"first_token_timeout": 0.05}, {"token_timeout": 0.05}, {"timeout": 0.3}],
    ids=lambda limits: next(iter(limits)),
)
async def test_a_model_that_takes_too_long(limits: dict[str, Any]) -> None:
    words = 0 if "first_token_timeout" in limits else 2
    result = ui.stream_text(f"{QUICK}, stall after {words} words", **limits)
    events: list[ModelEvent] = []
    with pytest.raises(ModelError) as raised:
        async for event in result:
            events.append(event)
    assert raised.value.code == "timeout"
    assert events[-1].type == "error"
    assert [e.type for e in events].count("text-end") <= 1
    assert len(result.text_so_far.split()) <= words


async def test_an_option_that_the_provider_does_not_know_is_a_bad_request() -> None:
    with pytest.raises(ModelError, match="temprature") as raised:
        await ui.stream_text(QUICK, temprature=1)
    assert raised.value.code == "bad_request"


async def test_callbacks_are_told_in_order_and_before_those_who_wait() -> None:
    told: list[Any] = []

    async def slowly(event: ModelEvent) -> None:
        await asyncio.sleep(0)
        told.append(event)

    async def at_end(result: TextResult) -> None:
        await asyncio.sleep(0)
        told.append(result)

    result = ui.stream_text(QUICK, on_chunk=slowly, on_step=told.append, on_finish=at_end)
    text = await result
    events = [event async for event in result]
    step = (await result.steps)[0]
    assert told[-1].text == text
    assert [each for each in told[:-1] if each is not step] == events
    assert step in told


async def test_a_callback_that_fails_hurts_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("api_key=abcdefgh1234")

    async def broken_later(_: object) -> None:
        raise RuntimeError("late")

    result = ui.stream_text(
        QUICK, on_chunk=broken_later, on_step=broken, on_finish=broken, on_error=broken
    )
    assert len((await result).split()) == 12
    assert "late" in caplog.text and "broken failed" in caplog.text
    assert "abcdefgh1234" not in caplog.text


async def test_a_callback_may_stop_it() -> None:
    result: Any = None

    def stop(event: ModelEvent) -> None:
        if event.type == "text-delta":
            result.stop()

    result = ui.stream_text(SLOW, on_chunk=stop)
    with pytest.raises(StreamCancelledError):
        await result


async def test_a_failure_that_nobody_saw_is_in_the_log(
    caplog: pytest.LogCaptureFixture, until: Until
) -> None:
    result = ui.stream_text("fail with 401")
    await until(lambda: not answers())
    del result
    await until(lambda: gc.collect() >= 0 and "nobody looked" in caplog.text)
    caplog.clear()
    with pytest.raises(ModelError):
        await ui.stream_text("fail with 401")
    gc.collect()
    assert "nobody looked" not in caplog.text


async def test_a_streamable_that_is_full_is_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.settings, "value_bytes", 20)
    answer = ui.StreamableValue("")
    with pytest.raises(ui.LimitError):
        await ui.stream_text(QUICK).into(answer)
    assert answer.status == "error"


async def test_a_streamable_that_ends_before_it_stops_it(until: Until) -> None:
    stopped, done = ui.StreamableValue(""), ui.StreamableValue("")
    first, second = ui.stream_text(SLOW).into(stopped), ui.stream_text(SLOW).into(done)
    await until(lambda: bool(stopped.value and done.value))
    stopped.cancel()
    done.done()
    with pytest.raises(StreamCancelledError):
        await first
    with pytest.raises(ui.StreamClosedError):
        await second


async def test_a_question_that_makes_no_sense_is_said_at_once() -> None:
    with pytest.raises(TypeError, match="twice"):
        ui.stream_text("One", prompt="Two")
    with pytest.raises(TypeError, match="twice"):
        ui.stream_text([{"role": "user", "content": "One"}], messages=[])
    with pytest.raises(ValueError, match="max_steps"):
        ui.stream_text("One", max_steps=0)
    with pytest.raises(ValueError, match="pace"):
        ui.stream_text("One", pace="line")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ui.ToolDefinitionError):
        ui.stream_text("One", tools=[lambda x: x])


def test_without_a_loop_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        ui.stream_text("One")


async def nothing(_: object) -> None:
    return


async def test_a_run_that_ends_leaves_nothing_running() -> None:
    kept: list[Any] = []

    async def body() -> None:
        kept.append(ui.stream_text(SLOW))
        await anext(kept[0].text_stream)

    run = Run("body", "page")
    await run.drive(body, nothing)
    assert run.status == "done" and not answers()
    with pytest.raises(StreamCancelledError):
        await kept[0]


async def test_a_runs_stop_stops_it_and_ends_its_streamable() -> None:
    answer = ui.StreamableValue("")
    run = Run("body", "page")

    async def body() -> None:
        nonlocal answer
        answer = ui.StreamableValue("")
        async for _ in ui.stream_text(SLOW).into(answer).text_stream:
            run.stop()

    await run.drive(body, nothing)
    assert (run.status, answer.status) == ("cancelled", "cancelled")
    assert answer.value and not answers()


@pytest.mark.parametrize(("question", "end"), [(QUICK, "done"), (f"{QUICK}, cut off", "error")])
async def test_a_run_waits_for_what_feeds_its_streamables(question: str, end: str) -> None:
    made: list[ui.StreamableValue[str]] = []

    async def body() -> None:
        made.append(ui.StreamableValue(""))
        ui.stream_text(question.replace("cut off", "cut the connection after 3 words")).into(
            made[0]
        )
        if end == "error":  # it fails while the function is at something else
            while answers():
                await asyncio.sleep(0.002)

    run = Run("body", "page")
    await run.drive(body, nothing)
    assert (run.status, made[0].status) == (end, end)
    assert len(made[0].value.split()) == (12 if end == "done" else 3)
