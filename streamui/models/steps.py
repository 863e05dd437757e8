"""The steps of an answer: the model is asked, the tools it calls run, and it is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamui.models.events import (
    Finish,
    FinishReason,
    ModelEvent,
    StepFinish,
    StepStart,
    ToolCall,
    ToolResult,
    Usage,
)
from streamui.models.history import History, output_items
from streamui.models.model_events import model_events
from streamui.models.provider import Model
from streamui.models.request import open_stream

if TYPE_CHECKING:
    from streamui.models.reader import ModelEvents
    from streamui.models.tool import Tool
    from streamui.models.tool_approvals import Approvals


@dataclass(slots=True)
class Step:
    """One call of the model, and what its tools gave.

    Attributes:
        number: From 1.
        text: What the model wrote.
        reasoning: What it showed of its thinking.
        tool_calls: What it wanted done.
        tool_results: What came of it, in the order of the calls.
        finish_reason: Why the model stopped.
        usage: What the step cost; ``None`` when the provider did not say.
        response_id: The provider's id of the response; ``""`` when it gave none.
        seconds: How long the model took, its tools not included.
        messages: What the step adds to the history, as plain dicts.
    """

    number: int
    text: str = ""
    reasoning: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list[ToolCall])
    tool_results: list[ToolResult] = field(default_factory=list[ToolResult])
    finish_reason: FinishReason = "other"
    usage: Usage | None = None
    response_id: str = ""
    seconds: float = 0.0
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(slots=True)
class Question:
    """What is asked, and how; see :func:`~streamui.models.stream_text.stream_text`.

    Attributes:
        model: Which model, resolved.
        messages: What was said so far.
        system: Instructions for each step.
        tools: What runs here, by name.
        other_tools: Those of the provider's own, and those that the app runs itself: plain dicts.
        context: The user's, for the tools.
        max_steps: How often the model is asked at most.
        format: The form of the answer, see :func:`~streamui.models.request.open_stream`.
        options: For the provider's ``create()``.
        limits: The arguments of :func:`~streamui.models.model_events.model_events`.
    """

    model: Model
    messages: list[dict[str, Any]]
    system: str | None = None
    tools: Mapping[str, Tool[..., Any]] = field(default_factory=dict[str, "Tool[..., Any]"])
    other_tools: tuple[Mapping[str, Any], ...] = ()
    context: Any = None
    max_steps: int = 8
    format: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Steps:
    """Asks until the model is done, and tells of it as it happens.

    Args:
        question: What to ask.
        tell: Takes each event; ``usage`` and ``finish`` come once, last, for all steps together.
        approvals: Where calls of tools wait until somebody allows them.
    """

    def __init__(
        self,
        question: Question,
        tell: Callable[[ModelEvent], None],
        approvals: Approvals | None = None,
    ) -> None:
        self.done: list[Step] = []
        """The steps that are over, with their tools."""
        self.events: ModelEvents | None = None
        """What the model is just saying."""
        self._question = question
        self._tell = tell
        self._approvals = approvals
        self._history = History(question.messages, question.options)

    async def run(self, on_step: Callable[[Step], Any] | None = None) -> None:
        """Ask to the end.

        Args:
            on_step: Awaited after each step, before the next.

        Raises:
            ModelError: The model failed.
        """
        while True:
            step = Step(len(self.done) + 1)
            finish = await self._ask(step)
            goes_on = await self._run_tools(step)
            self._history.add(step)
            self.done.append(step)
            if on_step is not None:
                await on_step(step)
            if not goes_on or step.number >= self._question.max_steps:
                break
        usage = total_usage(self.done)
        if usage is not None:
            self._tell(usage)
        self._tell(finish)

    async def _ask(self, step: Step) -> Finish:
        question, tell = self._question, self._tell
        messages, options = self._history.next_request()
        ask = open_stream(
            question.model,
            messages,
            system=question.system,
            tools=(*question.tools.values(), *question.other_tools),
            format=question.format,
            options=options,
        )
        finish: Finish | None = None
        text: list[str] = []
        reasoning: list[str] = []
        items: list[Any] = []
        tell(StepStart(step.number))
        begun = time.monotonic()
        async with model_events(ask, **question.limits) as events:
            self.events = events
            async for event in events:
                if event.type == "text-delta":
                    text.append(event.delta)
                elif event.type == "usage":
                    step.usage = event
                    continue
                elif event.type == "finish":
                    finish = event
                    continue
                elif event.type == "reasoning-delta":
                    reasoning.append(event.delta)
                elif event.type == "tool-call":
                    step.tool_calls.append(event)
                elif event.type == "provider":
                    if event.name == "response.output_item.done":
                        items.append(event.data)
                elif event.type == "retry" and not options.get("background"):
                    items.clear()  # it begins anew
                tell(event)
        self.events = None
        assert finish is not None  # else the events have raised
        step.text, step.reasoning = "".join(text), "".join(reasoning)
        step.finish_reason, step.response_id = finish.reason, finish.response_id
        step.seconds = time.monotonic() - begun
        step.messages = output_items(items, step.text, step.tool_calls)
        tell(
            StepFinish(
                step.number,
                finish.reason,
                step.usage,
                finish.response_id,
                step.seconds,
                finish.provider_event,
            )
        )
        return finish

    async def _run_tools(self, step: Step) -> bool:
        """Run what the step called, and say whether the model is to be asked again."""
        question = self._question
        if step.finish_reason != "tool-calls":
            # Of an answer that was cut off the calls may be, too.
            step.messages = [item for item in step.messages if "call_id" not in item]
            return False
        others = {_name_of(tool) for tool in question.other_tools}
        calls = [call for call in step.tool_calls if call.name not in others]
        if calls:
            from streamui.models.tool_calls import run_calls

            running = run_calls(
                calls, question.tools, context=question.context, approvals=self._approvals
            )
            results: dict[str, ToolResult] = {}
            async with aclosing(running):
                async for event in running:
                    if event.type == "tool-result":
                        results[event.id] = event
                    self._tell(event)
            step.tool_results = [results[call.id] for call in calls if call.id in results]
        return len(calls) == len(step.tool_calls)


def total_usage(steps: list[Step]) -> Usage | None:
    """Add up what steps cost; ``None`` when the provider said it of none."""
    told = [step.usage for step in steps if step.usage is not None]
    if len(told) < 2:
        return told[0] if told else None
    details: dict[str, int] = {}
    for usage in told:
        for name, count in usage.details.items():
            details[name] = details.get(name, 0) + count
    return Usage(
        sum(usage.input_tokens for usage in told),
        sum(usage.output_tokens for usage in told),
        sum(usage.total_tokens for usage in told),
        details,
        told[-1].provider_event,
    )


def _name_of(tool: Mapping[str, Any]) -> Any:
    return tool.get("name") or tool.get("function", tool).get("name")
