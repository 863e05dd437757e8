"""The events that every provider's stream is turned into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

FinishReason: TypeAlias = Literal["stop", "length", "content-filter", "tool-calls", "other"]
"""Why a model stopped writing; a failure is no reason but an error."""


@dataclass(frozen=True, slots=True)
class TextStart:
    """A part of the answer's text begins.

    Attributes:
        id: Names the part; its deltas and its end carry the same id.
        provider_event: The provider's own name of the event behind this one, such as
            ``response.output_text.delta``. Every event has it.
    """

    id: str
    provider_event: str = ""
    type: Literal["text-start"] = field(default="text-start", init=False)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of a part; never empty."""

    id: str
    delta: str
    provider_event: str = ""
    type: Literal["text-delta"] = field(default="text-delta", init=False)


@dataclass(frozen=True, slots=True)
class TextEnd:
    """A part of the text is over, either complete or because the stream broke."""

    id: str
    provider_event: str = ""
    type: Literal["text-end"] = field(default="text-end", init=False)


@dataclass(frozen=True, slots=True)
class ReasoningStart:
    """A part of what the model shows of its thinking begins."""

    id: str
    provider_event: str = ""
    type: Literal["reasoning-start"] = field(default="reasoning-start", init=False)


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More text of a reasoning part; never empty."""

    id: str
    delta: str
    provider_event: str = ""
    type: Literal["reasoning-delta"] = field(default="reasoning-delta", init=False)


@dataclass(frozen=True, slots=True)
class ReasoningEnd:
    """A reasoning part is over."""

    id: str
    provider_event: str = ""
    type: Literal["reasoning-end"] = field(default="reasoning-end", init=False)


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of the sentence with which the model declines to answer."""

    id: str
    delta: str
    provider_event: str = ""
    type: Literal["refusal-delta"] = field(default="refusal-delta", init=False)


@dataclass(frozen=True, slots=True)
class RefusalEnd:
    """The refusal is over.

    Attributes:
        id: The part that its deltas named.
        refusal: All of it.
        provider_event: The provider's own name of the event.
    """

    id: str
    refusal: str
    provider_event: str = ""
    type: Literal["refusal-end"] = field(default="refusal-end", init=False)


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    """The model begins to call a tool.

    Attributes:
        id: The id under which the provider expects the tool's result.
        name: The tool.
        provider_event: The provider's own name of the event.
    """

    id: str
    name: str
    provider_event: str = ""
    type: Literal["tool-call-start"] = field(default="tool-call-start", init=False)


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a tool call's arguments: a piece of JSON text, not JSON by itself."""

    id: str
    delta: str
    provider_event: str = ""
    type: Literal["tool-call-delta"] = field(default="tool-call-delta", init=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete tool call.

    Attributes:
        id: The id under which the provider expects the tool's result.
        name: The tool.
        arguments: All the arguments as the model wrote them: JSON text for a function, which
            a model may get wrong, or free text for a custom tool.
        provider_event: The provider's own name of the event.
    """

    id: str
    name: str
    arguments: str
    provider_event: str = ""
    type: Literal["tool-call"] = field(default="tool-call", init=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the answer cost, in tokens; at most once, just before the finish.

    Attributes:
        input_tokens: Tokens of the request.
        output_tokens: Tokens of the answer, reasoning included.
        total_tokens: Both.
        details: The provider's finer counts, such as ``cached_tokens`` and ``reasoning_tokens``.
        provider_event: The provider's own name of the event.
    """

    input_tokens: int
    output_tokens: int
    total_tokens: int
    details: Mapping[str, int] = field(default_factory=dict[str, int])
    provider_event: str = ""
    type: Literal["usage"] = field(default="usage", init=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """The proper end of the stream: exactly once, and last.

    Attributes:
        reason: Why the model stopped.
        response_id: The provider's id of the response, for ``previous_response_id``; ``""``
            when it gave none.
        provider_event: The provider's own name of the event.
    """

    reason: FinishReason
    response_id: str = ""
    provider_event: str = ""
    type: Literal["finish"] = field(default="finish", init=False)


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """Something the provider said that has no meaning of its own here, such as progress.

    Attributes:
        name: The provider's name of it.
        data: The provider's own object.
        provider_event: The same name.
    """

    name: str
    data: object = field(default=None, repr=False, compare=False)
    provider_event: str = ""
    type: Literal["provider"] = field(default="provider", init=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """The stream broke: last before the :class:`~streamui.errors.ModelError` that says the same.

    Attributes:
        code: The code of the error.
        sentence: What a person may be told.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds to wait before that, where the provider said so.
        provider_event: The provider's event that said so; ``""`` when the stream just broke.
    """

    code: str
    sentence: str
    retryable: bool = False
    retry_after: float | None = None
    provider_event: str = ""
    type: Literal["error"] = field(default="error", init=False)


@dataclass(frozen=True, slots=True)
class Retry:
    """The stream broke and goes on: what follows is either the rest of it or a new beginning.

    It is the rest when a background response is resumed, and a new beginning only where nothing
    of the answer has been told yet.

    Attributes:
        code: Of the error that broke it.
        sentence: What a person may be told about that.
        delay: Seconds until the provider is asked again.
        provider_event: The provider's event that said so; ``""`` when the stream just broke.
    """

    code: str
    sentence: str
    delay: float
    provider_event: str = ""
    type: Literal["retry"] = field(default="retry", init=False)


@dataclass(frozen=True, slots=True)
class StepStart:
    """A model is asked, for the first time or again with what its tools gave.

    Attributes:
        number: The step, from 1.
        provider_event: Empty: no provider says it.
    """

    number: int
    provider_event: str = ""
    type: Literal["step-start"] = field(default="step-start", init=False)


@dataclass(frozen=True, slots=True)
class StepFinish:
    """The model's answer of a step has come to its end; its tools run after it.

    Attributes:
        number: The step, from 1.
        reason: Why the model stopped.
        usage: What the step cost; ``None`` when the provider did not say.
        response_id: The provider's id of the response; ``""`` when it gave none.
        seconds: How long the model took.
        provider_event: The provider's own name of its end.
    """

    number: int
    reason: FinishReason
    usage: Usage | None = None
    response_id: str = ""
    seconds: float = 0.0
    provider_event: str = ""
    type: Literal["step-finish"] = field(default="step-finish", init=False)


@dataclass(frozen=True, slots=True)
class ToolApproval:
    """A tool waits for somebody to allow it.

    Attributes:
        id: The id of the tool call; the answer names it.
        name: The tool.
        arguments: The arguments, checked.
        provider_event: Empty: no provider says it.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    provider_event: str = ""
    type: Literal["tool-approval"] = field(default="tool-approval", init=False)


@dataclass(frozen=True, slots=True)
class ToolStart:
    """A tool begins to run: its arguments are checked, and whoever had to allow it has.

    Attributes:
        id: The id of the tool call.
        name: The tool.
        arguments: What it is given, as JSON.
        provider_event: Empty: no provider says it.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    provider_event: str = ""
    type: Literal["tool-start"] = field(default="tool-start", init=False)


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A tool tells how far it is.

    Attributes:
        id: The id of the tool call.
        name: The tool.
        data: What it told: JSON.
        provider_event: Empty: no provider says it.
    """

    id: str
    name: str
    data: Any = None
    provider_event: str = ""
    type: Literal["tool-progress"] = field(default="tool-progress", init=False)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool has ended, one way or the other.

    Attributes:
        id: The id of the tool call.
        name: The tool.
        result: What it gave for the page: JSON; ``None`` when it failed.
        code: The kind of failure, of :class:`~streamui.errors.ToolError` or of what the tool
            raised; ``""`` when it did not fail.
        sentence: What a person may be told of the failure.
        reference: Finds the failure's cause in the log.
        output: What the model is told, in either case.
        provider_event: Empty, unless the provider ran the tool itself.
    """

    id: str
    name: str
    result: Any = None
    code: str = ""
    sentence: str = ""
    reference: str = ""
    output: str = ""
    provider_event: str = ""
    type: Literal["tool-result"] = field(default="tool-result", init=False)


ModelEvent: TypeAlias = (
    TextStart
    | TextDelta
    | TextEnd
    | ReasoningStart
    | ReasoningDelta
    | ReasoningEnd
    | RefusalDelta
    | RefusalEnd
    | ToolCallStart
    | ToolCallDelta
    | ToolCall
    | Usage
    | Finish
    | ProviderEvent
    | StepStart
    | StepFinish
    | ToolApproval
    | ToolStart
    | ToolProgress
    | ToolResult
    | Retry
    | Failure
)
"""Any event of a model's stream; its ``type`` tells which."""
