from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

import pytest

import streamui as ui
from streamui.models.events import ToolApproval, ToolCall, ToolResult
from streamui.models.tool import tools_by_name
from streamui.models.tool_approvals import Answer, Approvals, answer_call
from streamui.models.tool_calls import ToolEvent, run_calls
from streamui.server import approvals as server_approvals
from streamui.server.run import Run
from streamui.streamable import quota
from streamui.streamable.scope import current_scope

Until = Callable[..., Awaitable[float]]
YES = Answer(True)


@contextmanager
def page(name: str) -> Iterator[None]:
    """As in a server function of this page."""
    token = current_scope.set(Run("ask", name))
    yield
    current_scope.reset(token)


@ui.tool(approval=True)
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def calls(*ids: str, amount: int = 5) -> AsyncGenerator[ToolEvent]:
    made = [ToolCall(id, "pay", f'{{"amount": {amount}}}') for id in ids]
    return run_calls(made, tools_by_name([pay]))


async def run(
    approval: Any, answer: Answer | None, written: str = '{"amount": 5}'
) -> list[ToolEvent]:
    """One call, answered as soon as it asks."""
    approvals = Approvals()
    tools = tools_by_name([ui.Tool(pay.function, approval=approval)])
    events: list[ToolEvent] = []
    call = ToolCall("call", "pay", written)
    async with aclosing(run_calls([call], tools, approvals=approvals)) as running:
        async for event in running:
            events.append(event)
            if event.type == "tool-approval":
                assert answer is not None, "nobody was to be asked"
                assert approvals.answer("call", answer)
                assert not approvals.answer("call", Answer(not answer.allowed)), "a second answer"
    return events


async def test_a_tool_waits_until_somebody_allows_it() -> None:
    events = await run(True, YES)
    assert [event.type for event in events] == ["tool-approval", "tool-start", "tool-result"]
    assert events[0] == ToolApproval("call", "pay", {"amount": 5})
    assert isinstance(events[2], ToolResult) and events[2].result == "paid 5"


@pytest.mark.parametrize(
    ("reason", "output"),
    [
        ("", "Denied: the user did not allow this call."),
        ("Too dear.", "Denied: the user did not allow this call. The reason: Too dear."),
    ],
)
async def test_the_model_is_told_of_a_denial_and_why(reason: str, output: str) -> None:
    asked, result = await run(True, Answer(False, reason))
    assert asked.type == "tool-approval" and isinstance(result, ToolResult)
    assert (result.code, result.sentence) == ("denied", "This was not allowed.")
    assert result.output == output


async def test_a_function_of_the_arguments_says_whether_to_ask() -> None:
    async def dear(arguments: Mapping[str, Any]) -> bool:
        await asyncio.sleep(0)
        return arguments["amount"] > 100

    for needed in (dear, lambda arguments: arguments["amount"] > 100, False):
        assert (await run(needed, None))[-1].type == "tool-result"
    for needed in (dear, lambda arguments: arguments["amount"] > 100):
        events = await run(needed, YES, '{"amount": 101}')
        assert events[0].type == "tool-approval"


async def test_a_tool_does_not_run_when_that_function_fails() -> None:
    (result,) = await run(lambda arguments: arguments["nothing"], None)
    assert isinstance(result, ToolResult) and result.code == "failed"


async def test_arguments_are_checked_before_anybody_is_asked() -> None:
    (result,) = await run(True, None, '{"amount": "x"}')
    assert isinstance(result, ToolResult) and result.code == "bad_arguments"


async def test_an_answer_may_come_from_another_thread() -> None:
    approvals = Approvals()
    answered: list[bool] = []
    threads: list[threading.Thread] = []

    def tell() -> None:
        def work() -> None:
            answered.append(approvals.answer("call", YES))

        threads.append(threading.Thread(target=work))
        threads[0].start()

    assert await approvals.ask("call", tell) == YES
    threads[0].join()
    assert answered == [True]


async def test_only_the_page_whose_function_asked_can_answer() -> None:
    with page("mine"):
        events = calls("a")
        assert (await anext(events)).type == "tool-approval"
    for name, call_id in (("another", "a"), ("", "a"), ("mine", "b")):
        await server_approvals.answer(name, call_id, True)
    await asyncio.sleep(0)
    assert not answer_call("another", "a", YES)
    await server_approvals.answer("mine", "a", False, "no")
    result = await anext(events)
    assert isinstance(result, ToolResult) and result.code == "denied"
    assert not answer_call("mine", "a", YES), "it waits no more"


async def test_outside_of_a_page_no_page_can_answer() -> None:
    async with aclosing(calls("a")) as events:
        assert (await anext(events)).type == "tool-approval"
        assert not answer_call("", "a", YES)


async def test_the_page_of_a_background_event_of_reflex_can_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quota, "page_finders", [lambda: "mine"])
    events = calls("a")
    assert (await anext(events)).type == "tool-approval"
    assert answer_call("mine", "a", YES)
    assert [event.type async for event in events] == ["tool-start", "tool-result"]


async def test_each_of_several_calls_has_its_own_answer() -> None:
    with page("mine"):
        events = calls("a", "b")
        await anext(events)
        await anext(events)
    assert answer_call("mine", "b", YES)
    assert [(await anext(events)).id, (await anext(events)).id] == ["b", "b"]
    assert answer_call("mine", "a", YES)
    assert [event.id async for event in events] == ["a", "a"]


async def test_one_answer_is_never_taken_for_two_calls_under_one_id() -> None:
    with page("mine"):
        first, second = calls("a"), calls("a", amount=1_000_000)
        await anext(first)
        async with aclosing(second):
            result = await anext(second)
            assert isinstance(result, ToolResult) and result.code == "failed"
    assert answer_call("mine", "a", YES)
    assert [event.type async for event in first] == ["tool-start", "tool-result"]


async def test_a_stop_ends_the_wait(until: Until) -> None:
    asked = asyncio.Event()

    async def body() -> None:
        async for _ in calls("a"):
            asked.set()

    async def emit(_: Any) -> None: ...

    function = Run("ask", "mine")
    driving = asyncio.create_task(function.drive(body, emit))
    await asked.wait()
    function.stop()
    await driving
    assert not answer_call("mine", "a", YES)
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert "streamui tool pay" not in names


@pytest.mark.parametrize(
    "order",
    [
        {"answer_call": ["mine", "a", 1, ""]},
        {"answer_call": ["mine", "a", "yes", ""]},
        {"answer_call": ["mine", "a", True]},
        {"answer_call": ["mine", {"a": 1}, True, ""]},
        {"answer_call": ["another", "a", True, ""]},
    ],
)
async def test_an_order_that_is_none_answers_nothing(order: dict[str, Any]) -> None:
    with page("mine"):
        events = calls("a")
        await anext(events)
    server_approvals._hear(order)  # pyright: ignore[reportPrivateUsage]
    assert answer_call("mine", "a", Answer(False)), "it waits still"
    assert (await anext(events)).type == "tool-result"
