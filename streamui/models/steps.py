"""The steps of an answer: the model is asked, the tools it calls run, and it is asked again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamui.models.conversation import Conversation, Turn
from streamui.models.events import Finish, ModelEvent, StepFinish, StepStart, ToolResult
from streamui.models.history import History
from streamui.models.model_events import model_events
from streamui.models.provider import Model
from streamui.models.request import open_stream
from streamui.models.step import Draft, Step, total_usage

if TYPE_CHECKING:
    from streamui.models.reader import ModelEvents
    from streamui.models.tool import Tool
    from streamui.models.tool_approvals import Approvals


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
        check: Says what is wrong with the last step, to the model, which is asked again then;
            ``None`` when nothing is. It may raise.
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
    check: Callable[[Step], str | None] | None = None
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
        self._turn: Turn | None = None
        self._history = History(question.messages, question.options)

    async def run(self, on_step: Callable[[Step], Any] | None = None) -> None:
        """Ask to the end.

        Args:
            on_step: Awaited after each step, before the next.

        Raises:
            ModelError: The model failed.
        """
        conversation = self._question.options.get("conversation")
        if not isinstance(conversation, Conversation):
            await self._run(on_step)
            return
        async with conversation.turn(self._question.model) as self._turn:
            await self._run(on_step)

    async def _run(self, on_step: Callable[[Step], Any] | None) -> None:
        while True:
            step = Step(len(self.done) + 1)
            finish = await self._ask(step)
            goes_on = await self._run_tools(step)
            self._history.add(step)
            if self._turn is not None:
                self._turn.owe(step.messages)
            self.done.append(step)
            if on_step is not None:
                await on_step(step)
            if goes_on and step.number < self._question.max_steps:
                continue
            complaint = self._question.check(step) if self._question.check is not None else None
            if complaint is None:
                break
            told = {"role": "user", "content": complaint}
            step.messages.append(told)
            self._history.say(told)
        usage = total_usage(self.done)
        if usage is not None:
            self._tell(usage)
        self._tell(finish)

    async def _ask(self, step: Step) -> Finish:
        question, tell = self._question, self._tell
        messages, options = self._history.next_request()
        turn = self._turn
        ask = (turn.open_stream if turn is not None else open_stream)(
            question.model,
            messages,
            system=question.system,
            tools=(*question.tools.values(), *question.other_tools),
            format=question.format,
            options=options,
        )
        draft = Draft(step, again_is_anew=not options.get("background"))
        tell(StepStart(step.number))
        begun = time.monotonic()
        async with model_events(ask, **question.limits) as events:
            self.events = events
            async for event in events:
                if turn is not None:
                    turn.hear(event)
                if event.type == "text-delta":
                    draft.text.append(event.delta)
                elif draft.take(event):
                    continue
                tell(event)
        self.events = None
        finish = draft.end()
        step.seconds = time.monotonic() - begun
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


def _name_of(tool: Mapping[str, Any]) -> Any:
    return tool.get("name") or tool.get("function", tool).get("name")
