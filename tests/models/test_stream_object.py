"""An object: what is told of it while it is written, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel

import streamui as ui
from streamui.models import object_text
from streamui.models.client import aclose_default_clients
from streamui.models.demo import DemoServer
from streamui.models.events import StepStart, TextDelta
from streamui.models.object_form import ObjectForm
from streamui.models.step import Step as LastStep
from streamui.models.text_result import ObjectResult
from tests.models.conftest import Provider, Start
from tests.models.wire import COMPLETED, CREATED, PLACE, deltas

pytestmark = pytest.mark.usefixtures("demo_by_default")
Until = Callable[..., Awaitable[float]]
Api = Literal["responses", "chat"]
Saying = Callable[..., Awaitable[tuple[ui.Model, Provider]]]


class Step(BaseModel):
    text: str
    minutes: int = 3


class Recipe(BaseModel):
    name: str
    serves: int
    note: str | None = None
    steps: list[Step]


RECIPE = {
    "name": "Lasagne 2",
    "serves": 12,
    "note": None,
    "steps": [{"text": "Boil", "minutes": 8}],
}
WRITTEN = json.dumps(RECIPE)


def in_pieces(text: str, length: int = 3) -> list[str]:
    return [text[at : at + length] for at in range(0, len(text), length)]


@pytest.fixture(autouse=True)
async def nothing_is_left(demo_by_default: DemoServer, until: Until) -> AsyncIterator[None]:
    yield
    await until(lambda: not [t for t in asyncio.all_tasks() if "streamui" in t.get_name()])
    await until(lambda: not demo_by_default.stats().open)


@pytest.fixture
async def saying(provider: Start) -> AsyncIterator[Saying]:
    """A model that answers with these texts, one after the other; the last again and again."""

    async def start(*texts: str, api: Api = "responses") -> tuple[ui.Model, Provider]:
        bodies = [deltas(api, in_pieces(text)) for text in texts]
        first = tuple({"body": (body,)} for body in bodies[:-1])
        _, server = await provider(bodies[-1], first=first)
        return ui.Model("m", base_url=server.base_url, api=api), server

    yield start
    await aclose_default_clients()


def beginning(partial: Any, whole: Any) -> bool:
    """Whether one is the other with things missing."""
    if isinstance(whole, dict):
        return all(key in whole and beginning(part, whole[key]) for key, part in partial.items())
    if isinstance(whole, list):
        return len(partial) <= len(whole) and all(map(beginning, partial, whole))
    return whole.startswith(partial) if isinstance(whole, str) else partial == whole


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_an_object_comes_bit_by_bit_and_is_checked_in_the_end(api: Api) -> None:
    result = ui.stream_object(Recipe, "Lasagne at 200 words per second", model=ui.Model(api=api))

    async def partials() -> list[Any]:
        return [partial async for partial in result]

    one, other, recipe = await asyncio.gather(partials(), partials(), result.object)
    assert isinstance(recipe, Recipe) and recipe == await result
    assert len(one) > 1 and one[-1] == other[-1] == json.loads(await result.text)
    assert all(beginning(partial, one[-1]) for partial in one)
    assert [partial async for partial in result] == one[-1:]
    assert recipe.name == one[-1]["name"]
    usage = await result.usage
    assert usage is not None and usage.output_tokens
    assert (await result.finish_reason, len(await result.steps)) == ("stop", 1)


async def test_a_streamable_shows_it_and_holds_the_instance_in_the_end() -> None:
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    seen: list[Any] = []

    async def watch() -> None:
        async for value in ui.read_streamable(recipe):
            seen.append(value)

    watching = asyncio.create_task(watch())
    result = await ui.stream_object(Recipe, "Lasagne at 200 words per second").into(recipe)
    assert recipe.streaming and recipe.value is result
    assert recipe.done().handle()["value"] == result.model_dump(mode="json")
    await watching
    assert len(seen) > 1
    late = ui.StreamableValue(0)
    finished = ui.stream_object(Recipe, "Lasagne flat out")
    await finished
    assert finished.into(late) is finished and late.value == await finished


async def test_bytes_grow_with_the_object_not_with_its_square() -> None:
    steps = [{"text": f"Step {n} " + "stir " * 20, "minutes": n} for n in range(40)]
    text = json.dumps({**RECIPE, "steps": steps})
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    feed = object_text.ObjectText(ObjectForm(Recipe))
    events: list[Any] = []
    feed.events = events
    for piece in in_pieces(text, 7):
        events.append(TextDelta("0", piece))
        feed.read()
        if feed.version:
            recipe.update(feed.partial)
    assert recipe.value == json.loads(text)
    assert recipe.log.count_bytes() < 12 * len(text)  # each change with its path
    recipe.done()


async def test_what_is_written_before_a_silence_is_shown(saying: Saying, until: Until) -> None:
    start = b"".join(
        f"data: {json.dumps(event)}\n\n".encode()
        for event in (
            CREATED,
            {"type": "response.output_text.delta", **PLACE, "delta": '{"name": "La'},
            {"type": "response.output_text.delta", **PLACE, "delta": "sagne"},
        )
    )
    model, server = await saying("")
    server.first = ({"body": (start,), "end": "hold"},)
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    result = ui.stream_object(Recipe, "Lasagne", model=model).into(recipe)
    async for partial in result:
        if partial == {"name": "Lasagne"}:
            break
    await until(lambda: recipe.value == {"name": "Lasagne"})
    result.stop()
    with pytest.raises(ui.StreamCancelledError):
        await result
    assert recipe.streaming and recipe.value == {"name": "Lasagne"}
    recipe.cancel()


async def test_a_streamable_that_ends_stops_the_model(demo_by_default: DemoServer) -> None:
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    result = ui.stream_object(Recipe, "Lasagne at 20 words per second").into(recipe)
    async for _ in result:
        recipe.cancel()
        break
    with pytest.raises(ui.StreamCancelledError):
        await result


async def test_a_list_comes_item_by_item(saying: Saying) -> None:
    items = [{"text": f"Do {n}", "minutes": n} for n in range(10, 30)]
    model, server = await saying(json.dumps({"value": items}))
    result = ui.stream_object(list[Step], "Steps", model=model)
    assert [element async for element in result.elements] == [Step(**item) for item in items]
    assert await result == [Step(**item) for item in items]
    asked = server.bodies[0]["text"]["format"]
    assert asked["strict"] and asked["schema"]["required"] == ["value"]
    result = ui.stream_object(list[Step], "Write steps at 100 words per second")
    async for partial in result:
        assert all(item.keys() == {"text", "minutes"} for item in partial)
    with pytest.raises(TypeError, match="list"):
        _ = ui.stream_object(Recipe, "Lasagne flat out").elements


async def test_an_item_that_does_not_fit_waits_for_the_corrected_list(
    saying: Saying, until: Until
) -> None:
    bad = json.dumps({"value": [{"text": "a"}, {"text": 5}, {"text": "c"}]})
    good = json.dumps([{"text": "a"}, {"text": "b"}, {"text": "c"}])
    model, _ = await saying(bad, good)

    async def see_all(step: Any) -> None:
        await until(lambda: result._text.partial and len(result._text.partial) == 3)

    result = ui.stream_object(list[Step], "Steps", model=model, on_step=see_all)
    assert [element.text async for element in result.elements] == ["a", "b", "c"]


def test_what_is_written_again_is_shown_from_where_it_says_more() -> None:
    text = object_text.ObjectText(ObjectForm(Recipe))
    events: list[Any] = [StepStart(1), TextDelta("0", '{"name": "Lasagne", "serves": "a"}')]
    text.events = events
    text.read()
    assert text.check(LastStep(1, text='{"name": "Lasagne", "serves": "a"}')) is not None
    shown: list[Any] = []
    events.append(StepStart(2))
    for piece in ('{"name": "La', 'sagne", "serves": 2, ', '"steps": [{"te', 'xt": "Boil"}]}'):
        events.append(TextDelta("0", piece))
        text.read()
        shown.append(text.partial)
    wrong = {"name": "Lasagne", "serves": "a"}
    step = {"text": "Boil"}
    assert shown[:2] == [wrong, wrong]
    assert shown[2:] == [
        {"name": "Lasagne", "serves": 2, "steps": [{}]},
        {"name": "Lasagne", "serves": 2, "steps": [step]},
    ]


async def test_a_streamable_that_is_stopped_at_the_very_end_is_no_failure(saying: Saying) -> None:
    model, _ = await saying(WRITTEN)
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    result = ui.stream_object(Recipe, "x", model=model, on_step=lambda _: recipe.cancel())
    assert await result.into(recipe) == Recipe(**RECIPE)
    assert recipe.status == "cancelled"


@pytest.mark.parametrize("text", ['{"value": "green"}', '"green"', '```\n"green"\n```'])
async def test_a_choice_comes_when_it_is_complete(saying: Saying, text: str) -> None:
    model, _ = await saying(text)
    result = ui.stream_object(Literal["green", "greenish"], "Which?", model=model)
    assert [partial async for partial in result] == ["green"]
    assert await result == "green"


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_a_wrong_object_is_told_what_is_wrong_and_corrected(saying: Saying, api: Api) -> None:
    wrong = json.dumps({**RECIPE, "serves": "many", "steps": [{"text": "Boil", "minutes": []}]})
    model, server = await saying(wrong, WRITTEN, api=api)
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    finished: list[ObjectResult] = []
    late: ui.StreamableValue[Any] = ui.StreamableValue()

    def finish(told: ObjectResult) -> None:
        finished.append(told)
        result.into(late)

    result = ui.stream_object(Recipe, "Lasagne", model=model, on_finish=finish)
    partials = [partial async for partial in result.into(recipe)]
    assert await result == Recipe(**RECIPE) == recipe.value == finished[0].object == late.value
    assert await result.text == WRITTEN
    assert len(await result.steps) == 2
    sent = server.bodies[1]["messages" if api == "chat" else "input"]
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    complaint = sent[-1]["content"]
    assert "serves: Input should be a valid integer" in complaint
    assert "steps.0.minutes: Input should be a valid integer" in complaint
    assert "many" not in complaint and '"Step"' in complaint
    assert (await result.response).messages[-2:][0] == sent[-1]
    # What was there stays until there is more of it.
    names = [partial.get("name", "") for partial in partials]
    assert names == sorted(names, key=len)
    recipe.done()


@pytest.mark.parametrize(
    "answer",
    [
        f"```json\n{WRITTEN}\n```",
        f"Here you are:\n\n```json\n{WRITTEN}\n```\n\nEnjoy!",
        f"\ufeff\n{WRITTEN}\n",
    ],
)
async def test_an_answer_may_be_wrapped_in_words(saying: Saying, answer: str) -> None:
    model, server = await saying(answer, api="chat")
    assert await ui.stream_object(Recipe, "Lasagne", model=model) == Recipe(**RECIPE)
    assert server.requests == 1


async def test_a_server_without_structured_output_is_told_the_schema(
    saying: Saying, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = json.dumps({"error": {"message": "response_format json_schema is unavailable"}})
    model, server = await saying(WRITTEN, api="chat")
    server.first = ({"status": 400, "body": (refusal.encode(),)},)
    result = ui.stream_object(Recipe, "Lasagne", model=model, system="Be brief.")
    assert await result == Recipe(**RECIPE)
    assert "response_format" in server.bodies[0]
    assert "response_format" not in server.bodies[1]
    system = server.bodies[1]["messages"][0]["content"]
    assert system.startswith("Be brief.\n\n") and '"serves"' in system
    assert "in words only" in caplog.text


async def test_any_other_refused_request_is_not_sent_again(saying: Saying) -> None:
    refusal = json.dumps({"error": {"message": "unknown parameter: top_k"}}).encode()
    model, server = await saying("")
    server.first = ({"status": 400, "body": (refusal,)},)
    with pytest.raises(ui.ModelError) as caught:
        await ui.stream_object(Recipe, "Lasagne", model=model)
    assert (caught.value.code, server.requests) == ("bad_request", 1)


@pytest.mark.parametrize("wrong", ["I cannot do JSON", '{"name": "secret 77"}', '{"a": NaN}', ""])
async def test_an_answer_that_stays_wrong_is_a_typed_error_with_its_text(
    saying: Saying, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    model, server = await saying(wrong)
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    result = ui.stream_object(Recipe, "Lasagne", model=model).into(recipe)
    with pytest.raises(ui.ObjectError) as caught:
        await result
    error = caught.value
    assert (error.code, error.text, server.requests) == ("object", wrong, 2)
    assert not error.retryable and error.sentence == ui.ObjectError.sentence
    recipe.error(error)
    shown = f"{error} {recipe.handle()['error']} {caplog.text}"
    assert "secret 77" not in shown and "cannot do" not in shown
    assert caplog.records
    with pytest.raises(ui.ObjectError):
        async for _ in result:
            pass


def ends_with(reason: str) -> bytes:
    """An object that is cut off."""
    cut = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    said = {"type": "response.output_text.delta", **PLACE, "delta": WRITTEN[:40]}
    end = {"type": "response.incomplete", "response": {**COMPLETED["response"], **cut}}
    return b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in (CREATED, said, end))


@pytest.mark.parametrize(
    ("reason", "code"), [("max_output_tokens", "length"), ("content_filter", "content_filter")]
)
async def test_what_is_cut_off_is_not_asked_for_again(
    saying: Saying, reason: str, code: str
) -> None:
    model, server = await saying("")
    server.first = ({"body": (ends_with(reason),)},)
    result = ui.stream_object(Recipe, "Lasagne", model=model)
    with pytest.raises(ui.ObjectError) as caught:
        await result
    assert (caught.value.code, caught.value.text, server.requests) == (code, WRITTEN[:40], 1)
    assert caught.value.sentence == ui.ModelError.sentences[code]


async def test_a_refusal_is_not_asked_for_again(demo_by_default: DemoServer) -> None:
    asked = demo_by_default.stats().requests
    with pytest.raises(ui.ObjectError) as caught:
        await ui.stream_object(Recipe, "Refuse. Lasagne")
    assert caught.value.code == "refused" and caught.value.text
    assert demo_by_default.stats().requests == asked + 1


async def test_a_broken_stream_is_the_providers_error(saying: Saying) -> None:
    model, server = await saying("")
    server.first = ({"body": (ends_with("x")[:300],), "end": "cut"},)
    result = ui.stream_object(Recipe, "Lasagne", model=model, retries=0)
    with pytest.raises(ui.ModelError) as caught:
        await result
    assert caught.value.code == "truncated" and not isinstance(caught.value, ui.ObjectError)


async def test_tools_run_before_the_object_is_written() -> None:
    calls: list[str] = []

    @ui.tool
    def pantry(shelf: str) -> str:
        """Look what is there.

        Args:
            shelf: Which one.
        """
        calls.append(shelf)
        return "tomatoes"

    result = ui.stream_object(
        Recipe, 'Call pantry with {"shelf": "top"}, then lasagne flat out', tools=[pantry]
    )
    partials = [partial async for partial in result]
    assert isinstance(await result, Recipe)
    assert partials[-1] == json.loads(await result.text)
    assert len(calls) == 1 and len(await result.steps) == 2


async def test_calls_that_nobody_runs_are_no_object() -> None:
    @ui.tool
    def pantry(shelf: str) -> str:
        """Look what is there."""
        return "tomatoes"

    ask = 'Call pantry with {"shelf": "top"}, then lasagne flat out'
    with pytest.raises(ui.ObjectError, match="calls of pantry"):
        await ui.stream_object(Recipe, ask, tools=[pantry], max_steps=1)


async def test_numbers_that_no_page_can_hold_are_the_apps_error(
    saying: Saying, caplog: pytest.LogCaptureFixture
) -> None:
    model, _ = await saying(json.dumps({**RECIPE, "serves": 2**60}))
    assert (await ui.stream_object(Recipe, "Lasagne", model=model)).serves == 2**60
    recipe: ui.StreamableValue[Any] = ui.StreamableValue()
    with pytest.raises(ui.NotJSONError, match=r"\$\.serves"):
        await ui.stream_object(Recipe, "Lasagne", model=model).into(recipe)
    recipe.cancel()


async def test_a_reader_that_leaves_leaves_nothing(demo_by_default: DemoServer) -> None:
    async for _ in ui.stream_object(Recipe, "Lasagne at 20 words per second"):
        break


@dataclass
class Slow:
    """A clock on which each piece of work takes its time."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


def test_work_takes_a_tenth_of_the_time_however_long_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Slow()
    monkeypatch.setattr(object_text, "time", clock)
    pauses = object_text.Pauses()
    worked = 0.0
    for cost in (0.0, 0.001, 0.05, 2.0):
        assert not pauses.left
        with pauses:
            clock.now += cost
        worked += cost
        assert pauses.left == pytest.approx(max(ui.settings.frame_interval, 9 * cost))
        clock.now += pauses.left
    assert worked <= clock.now / 10
