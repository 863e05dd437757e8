"""Conversations that the provider remembers, in each of its three ways."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import streamui as ui
from streamui.errors import ModelError, StreamCancelledError
from streamui.models.client import aclose_default_clients
from streamui.models.conversation import NOT_RUN, Kind
from streamui.models.demo import DemoServer
from streamui.server.run import Run
from tests.models.recorded import ASSISTANTS, RESPONSES, sse

pytestmark = pytest.mark.slow

kinds = pytest.mark.parametrize("kind", ["conversation", "responses"])
Until = Callable[..., Awaitable[float]]
SLOW = "Write 300 words about rivers at 100 words per second"
DEMO = "asst_demo"
JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
async def clients(provider: Any) -> AsyncIterator[None]:
    """Closes what the models have opened, before the provider that waits for it."""
    yield
    await aclose_default_clients()


def restored(conversation: ui.Conversation) -> ui.Conversation:
    """As another process has it, from a database."""
    return ui.Conversation(**json.loads(json.dumps(conversation.kept)))


# -- remembering ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["conversation", "responses", "thread"])
async def test_a_conversation_goes_on_and_comes_back_by_what_is_kept(
    demo_by_default: DemoServer, kind: Kind
) -> None:
    assistant = DEMO if kind == "thread" else ""
    ada, bob = (ui.Conversation(kind=kind, assistant=assistant) for _ in range(2))
    assert (ada.kept["id"], ada.kept["kind"]) == ("", kind)
    await asyncio.gather(
        ui.stream_text("My name is Ada, flat out", conversation=ada).text,
        ui.stream_text("My name is Bob, flat out", conversation=bob).text,
    )
    assert ada.id and bob.id and ada.id != bob.id
    for conversation, name in ((ada, "Ada"), (restored(ada), "Ada"), (restored(bob), "Bob")):
        text = await ui.stream_text("What is my name, flat out?", conversation=conversation).text
        assert name in text
    if kind == "conversation":
        assert "Ada" in await ui.stream_text(
            "What is my name, flat out?", conversation=ui.Conversation(ada.id)
        )
    nobody = await ui.stream_text("What is my name, flat out?").text
    assert "Ada" not in nobody and "Bob" not in nobody


@pytest.mark.parametrize(("assistant", "prefix"), [("", "conv"), (DEMO, "thread")])
async def test_it_has_its_id_before_its_first_token_and_goes_on_when_a_turn_is_stopped(
    demo_by_default: DemoServer, assistant: str, prefix: str
) -> None:
    conversation = ui.Conversation("", assistant=assistant)
    result = ui.stream_text(SLOW, conversation=conversation)
    async for event in result:
        if event.type == "text-delta":
            break
    id = conversation.id
    assert id.startswith(prefix)
    result.stop()
    with pytest.raises(StreamCancelledError):
        await result.text
    await ui.stream_text("My name is Ada, flat out", conversation=conversation).text
    assert (
        "Ada" in await ui.stream_text("What is my name, flat out?", conversation=conversation).text
    )
    assert conversation.id == id


@kinds
async def test_turns_of_one_conversation_go_one_after_the_other(
    demo_by_default: DemoServer, kind: Kind
) -> None:
    conversation = ui.Conversation(kind=kind)
    first = ui.stream_text(
        "My name is Ada. Write 20 words at 200 words per second", conversation=conversation
    )
    second = ui.stream_text("What is my name, flat out?", conversation=conversation)
    order: list[str] = []

    async def read(name: str, result: Any) -> str:
        async for event in result:
            if event.type in ("text-delta", "finish"):
                order.append(name)
        return await result.text

    _, answer = await asyncio.gather(read("first", first), read("second", second))
    assert order == sorted(order)
    assert "Ada" in answer


async def test_so_do_those_of_two_objects_with_its_id(provider: Any, until: Until) -> None:
    body = sse(RESPONSES["response.created"]).encode()
    _, made = await provider(ENDED, first=({"body": (body,), "end": "hold"},))
    model = ui.Model("m", made.base_url)
    first = ui.stream_text("One", model=model, conversation=ui.Conversation("conv_1"))
    async for _ in first:
        break
    second = ui.stream_text("Two", model=model, conversation=ui.Conversation("conv_1"))
    other = ui.stream_text("Three", model=model, conversation=ui.Conversation("conv_2"))
    await other.text
    assert [body["input"][-1]["content"] for body in made.bodies] == ["One", "Three"]
    first.stop()
    await second.text
    assert made.bodies[-1]["input"][-1]["content"] == "Two"


async def test_a_stop_of_a_turn_that_waits_sends_nothing(provider: Any, until: Until) -> None:
    _, made = await provider(ENDED)
    model, conversation = ui.Model("m", made.base_url), ui.Conversation("conv_1")
    async with conversation.turn(model):
        waiting = ui.stream_text("One", model=model, conversation=conversation)
        await asyncio.sleep(0)
        waiting.stop()
        with pytest.raises(StreamCancelledError):
            await waiting.text
    await ui.stream_text("Two", model=model, conversation=conversation).text
    assert [body["input"][-1]["content"] for body in made.bodies] == ["Two"]


# -- tools ----------------------------------------------------------------------------------------


@ui.tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


COMPLETED = RESPONSES["response.completed"]
ANSWERLESS = {**COMPLETED, "response": {**COMPLETED["response"], "output": []}}
CALLED = sse(
    RESPONSES["response.output_item.added"], RESPONSES["response.output_item.done"], ANSWERLESS
)
ENDED = sse(RESPONSES["response.output_text.done"], COMPLETED)
RESPONSE = COMPLETED["response"]["id"]
CALL = "call_8Xh2Zq"


def result_of(body: Any) -> list[tuple[str, str]]:
    return [(item["call_id"], item["output"]) for item in body["input"] if "call_id" in item]


@kinds
async def test_a_step_sends_only_what_is_new(provider: Any, kind: Kind) -> None:
    _, made = await provider(ENDED, first=({"body": (CALLED.encode(),)},))
    conversation = ui.Conversation("before", kind=kind)
    result = ui.stream_text(
        "Weather?", model=ui.Model("m", made.base_url), conversation=conversation, tools=[weather]
    )
    assert await result.text == "Tea is at five. 🍵"
    key = "conversation" if kind == "conversation" else "previous_response_id"
    other = "previous_response_id" if kind == "conversation" else "conversation"
    asked, answered = made.bodies
    assert asked["input"] == [{"role": "user", "content": "Weather?"}]
    assert answered["input"] == [
        {"type": "function_call_output", "call_id": CALL, "output": "sunny in Bonn"}
    ]
    assert [body[key] for body in made.bodies] == [
        "before",
        "before" if kind == "conversation" else RESPONSE,
    ]
    assert not any(other in body for body in made.bodies)
    assert conversation.kept == {
        "id": "before" if kind == "conversation" else RESPONSE,
        "kind": kind,
    }


@kinds
@pytest.mark.parametrize("how", ["last step", "stopped", "failed"])
async def test_calls_without_a_sent_result_have_one_in_the_next_turn(
    provider: Any, until: Until, kind: Kind, how: str
) -> None:
    """Else a provider refuses every turn that follows."""
    running = asyncio.Event()

    @ui.tool(name="weather")
    async def endless(city: str) -> str:
        """The weather of a city."""
        running.set()
        await asyncio.Event().wait()
        return city

    broken = {"status": 400, "body": (b"{}",)}
    called = {"body": (CALLED.encode(),)}
    _, made = await provider(ENDED, first=(called, broken) if how == "failed" else (called,))
    model = ui.Model("m", made.base_url)
    conversation = ui.Conversation("before", kind=kind)
    result = ui.stream_text(
        "Weather?",
        model=model,
        conversation=conversation,
        tools=[endless if how == "stopped" else weather],
        max_steps=1 if how == "last step" else 8,
    )
    if how == "stopped":
        await running.wait()
        result.stop()
    if how == "last step":
        await result.text
    else:
        with pytest.raises((StreamCancelledError, ModelError)):
            await result.text
    told = NOT_RUN if how == "stopped" else "sunny in Bonn"
    again = restored(conversation)
    assert again.kept == conversation.kept
    await ui.stream_text("And now?", model=model, conversation=again).text
    assert result_of(made.bodies[-1]) == [(CALL, told)]
    assert made.bodies[-1]["input"][-1] == {"role": "user", "content": "And now?"}
    assert "unsent" not in again.kept
    await ui.stream_text("And then?", model=model, conversation=again).text
    assert result_of(made.bodies[-1]) == []


async def test_a_call_of_a_custom_tool_is_answered_as_one(provider: Any) -> None:
    item = {"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": ""}
    added = {**RESPONSES["response.output_item.added"], "item": item, "output_index": 2}
    called = sse(added, RESPONSES["response.custom_tool_call_input.done"], ANSWERLESS)
    _, made = await provider(ENDED, first=({"body": (called.encode(),)},))
    model, conversation = ui.Model("m", made.base_url), ui.Conversation("conv_1")
    tool = {"type": "custom", "name": "shell"}
    await ui.stream_text("List", model=model, conversation=conversation, tools=[tool]).text
    await ui.stream_text("Never mind", model=model, conversation=conversation).text
    assert made.bodies[-1]["input"] == [
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": NOT_RUN},
        {"role": "user", "content": "Never mind"},
    ]


async def test_results_that_the_app_itself_gives_take_their_place(provider: Any) -> None:
    _, made = await provider(ENDED, first=({"body": (CALLED.encode(),)},))
    model, conversation = ui.Model("m", made.base_url), ui.Conversation("conv_1")
    own = {"type": "function", "name": "weather", "parameters": {}}
    await ui.stream_text("Weather?", model=model, conversation=conversation, tools=[own]).text
    given = {"type": "function_call_output", "call_id": CALL, "output": "rain"}
    await ui.stream_text([given], model=model, conversation=conversation).text
    assert made.bodies[-1]["input"] == [given]


@pytest.mark.parametrize("kind", ["conversation", "responses", "thread"])
async def test_the_demo_model_calls_a_tool_in_each_kind_and_goes_on_when_that_is_stopped(
    demo_by_default: DemoServer, kind: Kind
) -> None:
    running = asyncio.Event()

    @ui.tool
    async def endless_forecast(city: str) -> str:
        """The forecast for a city."""
        running.set()
        await asyncio.Event().wait()
        return city

    conversation = ui.Conversation(kind=kind, assistant=DEMO if kind == "thread" else "")
    question = "What is the weather in Bonn?"
    answer = ui.stream_text(question, conversation=conversation, tools=[weather])
    assert "sunny in Bonn" in await answer.text
    assert len(await answer.steps) == 2
    stopped = ui.stream_text(
        "What is the forecast for Rome?", conversation=conversation, tools=[endless_forecast]
    )
    await running.wait()
    stopped.stop()
    with pytest.raises(StreamCancelledError):
        await stopped.text
    again = ui.stream_text(
        "What is the weather in Oslo?", conversation=restored(conversation), tools=[weather]
    )
    assert "sunny in Oslo" in await again.text


# -- what cannot be -------------------------------------------------------------------------------


async def test_a_model_that_remembers_nothing_says_so(demo_by_default: DemoServer) -> None:
    result = ui.stream_text("Hi", model=ui.Model(api="chat"), conversation=ui.Conversation())
    with pytest.raises(ModelError, match="messages") as caught:
        await result.text
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize("kind", ["conversation", "responses"])
async def test_one_that_the_provider_does_not_have_is_not_found(
    demo_by_default: DemoServer, kind: Kind
) -> None:
    gone = ui.Conversation("gone", kind=kind)
    with pytest.raises(ModelError) as caught:
        await ui.stream_text("Hi", conversation=gone).text
    assert caught.value.code in ("not_found", "bad_request")


@pytest.mark.parametrize("assistant", ["", "asst_1"])
async def test_a_provider_that_begins_none_is_a_typed_error(provider: Any, assistant: str) -> None:
    _, made = await provider(
        '{"error": {"message": "no sk-proj-aBcD1234efgh"}}', status=401, headers=JSON
    )
    conversation = ui.Conversation(assistant=assistant)
    with pytest.raises(ModelError) as caught:
        await ui.stream_text(
            "Hi", model=ui.Model("m", made.base_url), conversation=conversation
        ).text
    assert caught.value.code == "authentication"
    assert "aBcD" not in str(caught.value)
    assert conversation.id == ""


def test_a_state_may_hold_one_which_copies_and_pickles_it() -> None:
    owed = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    for conversation in (
        ui.Conversation("conv_1", unsent=[owed]),
        ui.Conversation("thread_1", assistant="asst_1"),
    ):
        for copied in (
            copy.deepcopy(conversation),
            pickle.loads(pickle.dumps(conversation)),
            restored(conversation),
        ):
            assert copied is not conversation
            assert copied.kept == conversation.kept
    assert "unsent" in ui.Conversation("conv_1", unsent=[owed]).kept


def test_an_assistant_answers_in_a_thread_and_only_there() -> None:
    with pytest.raises(ValueError, match="assistant"):
        ui.Conversation(kind="thread")
    with pytest.raises(ValueError, match="assistant"):
        ui.Conversation(kind="responses", assistant="asst_1")
    with pytest.raises(ValueError, match="kind"):
        ui.Conversation(kind="memory")  # pyright: ignore[reportArgumentType]
    assert ui.Conversation(assistant="asst_1").kind == "thread"


# -- threads --------------------------------------------------------------------------------------

THREAD, RUN = "thread_jH4kq1", "run_Zb91xW"
RUNS = f"/v1/threads/{THREAD}/runs"
BEGUN = {"body": (json.dumps(ASSISTANTS["thread.created"]["data"]).encode(),), "headers": JSON}
ASKS = {
    "body": (
        sse(ASSISTANTS["thread.run.created"], ASSISTANTS["thread.run.requires_action"]).encode(),
    )
}
SAID = sse(
    ASSISTANTS["thread.run.in_progress"],
    ASSISTANTS["thread.message.delta"],
    ASSISTANTS["thread.message.completed"],
    ASSISTANTS["thread.run.completed"],
)


async def test_a_thread_asks_its_assistant_and_its_tools_in_one_stream(provider: Any) -> None:
    _, made = await provider(SAID, first=(BEGUN, ASKS))
    conversation = ui.Conversation(assistant="asst_1")
    result = ui.stream_text(
        "Weather?",
        model=ui.Model("m", made.base_url),
        conversation=conversation,
        tools=[weather, {"type": "code_interpreter"}],
        system="Be brief.",
        temperature=0.5,
        max_output_tokens=100,
    )
    types = [event.type async for event in result if event.type != "provider"]
    assert types == [
        "step-start",
        "tool-call-start",
        "tool-call",
        "step-finish",
        "tool-start",
        "tool-result",
        "step-start",
        "text-start",
        "text-delta",
        "text-delta",
        "text-end",
        "step-finish",
        "usage",
        "finish",
    ]
    assert await result.text == "Tea is at five."
    usage = await result.usage
    assert usage is not None and usage.total_tokens == 43
    outputs = f"{RUNS}/{RUN}/submit_tool_outputs"
    assert made.paths == ["/v1/threads", RUNS, outputs]
    asked, answered = made.bodies[1:]
    assert asked.pop("tools")[0]["function"]["name"] == "weather"
    assert asked == {
        "assistant_id": "asst_1",
        "additional_messages": [{"role": "user", "content": "Weather?"}],
        "additional_instructions": "Be brief.",
        "temperature": 0.5,
        "max_completion_tokens": 100,
        "stream": True,
    }
    assert answered == {
        "tool_outputs": [{"tool_call_id": CALL, "output": "sunny in Bonn"}],
        "stream": True,
    }
    assert conversation.kept == {"id": THREAD, "kind": "thread", "assistant": "asst_1"}
    await ui.stream_text(
        "Thanks", model=ui.Model("m", made.base_url), conversation=restored(conversation)
    ).text
    assert made.paths[3:] == [RUNS]


@pytest.mark.parametrize("how", ["stop", "run", "last step", "failed"])
async def test_a_run_that_waits_for_results_that_do_not_come_is_cancelled(
    provider: Any, until: Until, how: str
) -> None:
    running = asyncio.Event()

    @ui.tool(name="weather")
    async def endless(city: str) -> str:
        """The weather of a city."""
        running.set()
        if how in ("stop", "run"):
            await asyncio.Event().wait()
        return city

    broken = {"status": 400, "body": (b"{}",), "headers": JSON}
    first = (ASKS, broken) if how == "failed" else (ASKS,)
    _, made = await provider("{}", first=first, headers=JSON)
    conversation = ui.Conversation(THREAD, assistant="asst_1")

    def begin() -> Any:
        return ui.stream_text(
            "Weather?",
            model=ui.Model("m", made.base_url),
            conversation=conversation,
            tools=[endless],
            max_steps=1 if how == "last step" else 8,
        )

    if how == "run":
        run = Run("State.ask", "page")

        async def emit(_: Any) -> None:
            pass

        async def function() -> None:
            await begin().text

        driving = asyncio.create_task(run.drive(function, emit))
        await running.wait()
        run.stop()
        await driving
    else:
        result = begin()
        if how == "stop":
            await running.wait()
            result.stop()
        if how == "last step":
            await result.text
        else:
            with pytest.raises((StreamCancelledError, ModelError)):
                await result.text
    await until(lambda: made.paths[-1] == f"{RUNS}/{RUN}/cancel")
    assert made.paths[0] == RUNS
    assert len(made.paths) == (3 if how == "failed" else 2)
    assert conversation.kept == {"id": THREAD, "kind": "thread", "assistant": "asst_1"}


@pytest.mark.parametrize("status", ["in_progress", "completed"])
async def test_fault_38_so_is_one_that_is_stopped_before_anybody_knows_its_id(
    provider: Any, until: Until, status: str
) -> None:
    silent = {"body": (), "end": "hold", "headers": {"content-type": "text/event-stream"}}
    listed = json.dumps({"data": [{"id": RUN, "status": status}]})
    _, made = await provider(listed, first=(silent,), headers=JSON)
    conversation = ui.Conversation(THREAD, assistant="asst_1")
    result = ui.stream_text("Tea?", model=ui.Model("m", made.base_url), conversation=conversation)
    await until(lambda: made.requests == 1)
    result.stop()
    with pytest.raises(StreamCancelledError):
        await result.text
    await until(lambda: len(made.paths) == (3 if status == "in_progress" else 2))
    listing = f"{RUNS}?limit=1&order=desc"
    assert made.paths == [RUNS, listing, f"{RUNS}/{RUN}/cancel"][: len(made.paths)]


async def test_what_a_run_that_failed_was_asked_is_not_said_twice(
    provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamui.models import upstream

    monkeypatch.setattr(upstream, "_FIRST_DELAY", 0.01)
    failed = {"body": (sse(ASSISTANTS["thread.run.failed"]).encode(),)}
    _, made = await provider(SAID, first=(failed,))
    conversation = ui.Conversation(THREAD, assistant="asst_1")
    model = ui.Model("m", made.base_url)
    assert await ui.stream_text("Tea?", model=model, conversation=conversation) == "Tea is at five."
    said = [body["additional_messages"] for body in made.bodies]
    assert said == [[{"role": "user", "content": "Tea?"}], []]


async def test_an_option_that_runs_do_not_have_is_a_bad_request(provider: Any) -> None:
    _, made = await provider(SAID)
    conversation = ui.Conversation(THREAD, assistant="asst_1")
    model = ui.Model("m", made.base_url)
    with pytest.raises(ModelError) as caught:
        await ui.stream_text("Tea?", model=model, conversation=conversation, tea=True).text
    assert caught.value.code == "bad_request"
