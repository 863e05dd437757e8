"""What agents' libraries raise, as one typed error."""

from __future__ import annotations

from streamui.errors import ModelError
from streamui.models.failures import as_model_error, caused, code_of
from streamui.models.foreign.answer import field_of

_LIBRARIES = ("agents.", "langchain_core.", "langchain_openai.", "pydantic_ai.")
_CODES = {
    "ConcurrencyLimitExceeded": "rate_limited",
    "ContentFilterError": "content_filter",
    "ContextOverflowError": "context_length",
    "InputGuardrailTripwireTriggered": "refused",
    "ModelBehaviorError": "malformed",
    "ModelRefusalError": "refused",
    "ModelTimeoutError": "timeout",
    "OpenAIRefusalError": "refused",
    "OutputGuardrailTripwireTriggered": "refused",
    "OutputParserException": "malformed",
    "RunTimedOut": "timeout",
    "UnexpectedModelBehavior": "malformed",
}
_CUT = ("did not produce a final response", "before receiving a finish_reason")
"""Words with which openai-agents says that an answer was cut off."""


def library_error(error: BaseException) -> ModelError | None:
    """Translate an exception of pydantic-ai, openai-agents or LangChain.

    Args:
        error: Any exception.

    Returns:
        The typed error with ``error`` as its ``__cause__``; ``None`` when it is of none of them.
    """
    if not type(error).__module__.startswith(_LIBRARIES):
        return None
    known = as_model_error(error.__cause__) if error.__cause__ is not None else None
    if known is not None:
        return caused(error, known.code, retry_after=known.retry_after)
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        body = getattr(error, "body", None)
        return caused(error, code_of(field_of(body, "code"), field_of(body, "type"), status))
    if any(words in str(error) for words in _CUT):
        return caused(error, "truncated")
    names = (kind.__name__ for kind in type(error).__mro__)
    return caused(error, next((_CODES[name] for name in names if name in _CODES), "failed"))
