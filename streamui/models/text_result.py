"""What came of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from streamui.models.events import FinishReason, ToolCall, Usage
from streamui.models.step import Step, total_usage


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """What an answer adds to a conversation.

    Attributes:
        id: The provider's id of the last response, for ``previous_response_id``; ``""`` when it
            gave none.
        messages: To append to the messages that were asked: plain dicts, with the calls of tools
            and their results.
    """

    id: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class TextResult:
    """What came of an answer; what there was of it where it was stopped.

    Attributes:
        text: All that was written, of all steps.
        finish_reason: Why the model stopped; ``None`` if somebody else stopped it.
        usage: What all steps cost; ``None`` when the provider did not say.
        steps: The steps that came to their end.
        response: What it adds to the conversation.
    """

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    steps: list[Step] = field(default_factory=list[Step])
    response: ModelResponse = field(default_factory=ModelResponse)

    @classmethod
    def of(cls, text: str, steps: list[Step], complete: bool) -> Self:
        """Add up what came of an answer's steps.

        Args:
            text: What was written.
            steps: Those that came to their end.
            complete: Whether the answer did.
        """
        return cls(
            text,
            steps[-1].finish_reason if steps and complete else None,
            total_usage(steps),
            steps,
            ModelResponse(
                steps[-1].response_id if steps else "",
                [message for step in steps for message in step.messages],
            ),
        )

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls of all steps."""
        return [call for step in self.steps for call in step.tool_calls]


@dataclass(frozen=True, slots=True)
class ObjectResult(TextResult):
    """What came of an answer that is an object.

    Attributes:
        object: The object, checked.
    """

    object: Any = None
