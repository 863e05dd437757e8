"""One step of an answer: a call of the model, and what its tools gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streamui.models.events import Finish, FinishReason, ModelEvent, ToolCall, ToolResult, Usage


@dataclass(slots=True)
class Step:
    """One call of the model, and what its tools gave.

    Attributes:
        number: From 1.
        text: What the model wrote.
        reasoning: What it showed of its thinking.
        refusal: What it said in place of an answer.
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
    refusal: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list[ToolCall])
    tool_results: list[ToolResult] = field(default_factory=list[ToolResult])
    finish_reason: FinishReason = "other"
    usage: Usage | None = None
    response_id: str = ""
    seconds: float = 0.0
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Draft:
    """What a model has said in a step so far.

    Args:
        step: Gets it.
        again_is_anew: Whether a stream that breaks and goes on begins from its beginning.
    """

    def __init__(self, step: Step, again_is_anew: bool) -> None:
        self.text: list[str] = []
        self._step = step
        self._again_is_anew = again_is_anew
        self._reasoning: list[str] = []
        self._items: list[Any] = []
        self._finish: Finish | None = None

    def take(self, event: ModelEvent) -> bool:
        """Take anything but text; say whether it is to be told for all steps together."""
        if event.type == "reasoning-delta":
            self._reasoning.append(event.delta)
        elif event.type == "refusal-end":
            self._step.refusal = event.refusal
        elif event.type == "tool-call":
            self._step.tool_calls.append(event)
        elif event.type == "provider":
            if event.name == "response.output_item.done":
                self._items.append(event.data)
        elif event.type == "retry" and self._again_is_anew:
            self._items.clear()
        elif event.type == "usage":
            self._step.usage = event
            return True
        elif event.type == "finish":
            self._finish = event
            return True
        return False

    def end(self) -> Finish:
        """Write it into the step."""
        finish, step = self._finish, self._step
        assert finish is not None  # else the model's events have raised
        step.text, step.reasoning = "".join(self.text), "".join(self._reasoning)
        step.finish_reason, step.response_id = finish.reason, finish.response_id
        step.messages = output_items(self._items, step.text, step.tool_calls)
        return finish


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


def output_items(
    events: Sequence[Any], text: str, calls: Sequence[ToolCall]
) -> list[dict[str, Any]]:
    """Make messages of what a model has said.

    Args:
        events: The provider's own ``response.output_item.done`` events, as far as it sends them.
        text: All that it wrote.
        calls: All that it called.

    Returns:
        The provider's own items, and what they lack.
    """
    items: list[dict[str, Any]] = []
    for event in events:
        item: Any = getattr(event, "item", None)
        if hasattr(item, "model_dump"):
            # What compatible servers send need not fit the SDK's types.
            items.append(item.model_dump(mode="json", exclude_none=True, warnings=False))
    if text and not any(item.get("type") == "message" for item in items):
        items.append({"role": "assistant", "content": text})
    known = {item.get("call_id") for item in items}
    items += [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in calls
        if call.id not in known
    ]
    return items
