"""What a model and a page are told of how a tool's call ended."""

from __future__ import annotations

import json
import logging
from typing import Any

from streamui.errors import NotJSONError, StreamUIError, ToolError
from streamui.models.events import ToolCall, ToolResult
from streamui.models.failures import as_model_error
from streamui.models.tool_context import ToolOutput
from streamui.redaction import redact
from streamui.settings import settings
from streamui.streamable.failure import Failure, words_for_log
from streamui.streamable.json_value import clean_text, to_json
from streamui.streamable.patch import bytes_of

logger = logging.getLogger("streamui")

_MODELS_FAULT = ("bad_arguments", "denied", "unknown_tool")
"""What is no fault of the app's: it happens, and the model answers to it."""


class ToldError(ToolError):
    """A failure whose text is written for the model, where that of others is for the log.

    Args:
        words: For the model, and the log.
        code: See :class:`~streamui.errors.ToolError`.
    """

    def __init__(self, words: str, code: str) -> None:
        super().__init__(words, code=code)


def result_of(call: ToolCall, given: Any) -> ToolResult:
    """Tell what a tool gave.

    Args:
        call: What the model wanted.
        given: JSON, or a :class:`~streamui.models.tool_context.ToolOutput`.

    Raises:
        NotJSONError: It is something else.
    """
    made = given if isinstance(given, ToolOutput) else ToolOutput(given)
    page, output = to_json(made.page), _for_model(made.model)
    size = bytes_of(page)
    if size <= (settings.object_bytes or size):
        return ToolResult(call.id, call.name, page, output=output)
    words = f"{call.name} gave {size} bytes for the page, over object_bytes"
    failure = Failure.of(ToolError(words, code="too_large"))
    logger.warning("%s [%s]", words, failure.reference)
    return _failed(call, failure, output)


def failure_of(call: ToolCall, cause: BaseException) -> ToolResult:
    """Tell why a call came to nothing; the log has the cause under the result's reference.

    Args:
        call: What the model wanted.
        cause: What was raised.
    """
    error = as_model_error(cause) or cause
    if isinstance(error, NotJSONError):
        error = ToolError(str(error), code="not_json")
    known = error if isinstance(error, StreamUIError) else ToolError()
    failure = Failure.of(known)
    level = logging.INFO if failure.code in _MODELS_FAULT else logging.ERROR
    name = redact(call.name, longest=64)
    logger.log(level, "Tool %s [%s]: %s", name, failure.reference, words_for_log(error))
    if isinstance(known, ToldError):
        told = str(known)
    elif isinstance(error, StreamUIError):
        told = f"Error: {failure.sentence}"
    else:
        told = f"Error: the tool failed (reference {failure.reference})."
    return _failed(call, failure, clean_text(told))


def _failed(call: ToolCall, failure: Failure, output: str) -> ToolResult:
    return ToolResult(
        call.id,
        call.name,
        code=failure.code,
        sentence=failure.sentence,
        reference=failure.reference,
        output=output,
    )


def _for_model(value: Any) -> str:
    if isinstance(value, str):
        text = clean_text(value)
    else:
        text = json.dumps(to_json(value), default=_refuse, ensure_ascii=False)
    most = settings.tool_output
    if not 0 < most < len(text):
        return text
    return f"{text[:most]}\n[The result was cut: {most} of {len(text)} characters are shown.]"


def _refuse(value: Any) -> Any:
    raise NotJSONError(f"a model cannot read a {type(value).__name__}; use ToolOutput(model=…)")
