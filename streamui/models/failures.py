"""Whatever can go wrong with a provider, as one typed error."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any

from streamui.errors import ModelError, StreamUIError
from streamui.redaction import redact

_STATUS_CODES = {
    400: "bad_request",
    401: "authentication",
    402: "quota",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "context_length",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

# Words found in the ``code`` and ``type`` of providers' errors; the first that fits wins.
_WORDS: tuple[tuple[str, str], ...] = (
    ("insufficient_quota", "quota"),
    ("billing", "quota"),
    ("context_length", "context_length"),
    ("string_above_max_length", "context_length"),
    ("content_filter", "content_filter"),
    ("content_policy", "content_filter"),
    ("policy", "refused"),
    ("invalid_prompt", "refused"),
    ("rate_limit", "rate_limited"),
    ("too_many_requests", "rate_limited"),
    ("overloaded", "overloaded"),
    ("unavailable", "overloaded"),
    ("slow_down", "overloaded"),
    ("timeout", "timeout"),
    ("api_key", "authentication"),
    ("authentication", "authentication"),
    ("unauthorized", "authentication"),
    ("permission", "permission_denied"),
    ("not_found", "not_found"),
    ("server_error", "server_error"),
    ("internal", "server_error"),
    ("bad_gateway", "server_error"),
    ("image", "bad_request"),
    ("invalid", "bad_request"),
)


def as_model_error(error: BaseException) -> ModelError | None:
    """Translate an exception of ``openai`` or ``httpx``, raised by whatever a user called.

    Imports neither: an exception of theirs can only exist when they are imported already.

    Args:
        error: Any exception.

    Returns:
        The typed error with ``error`` as its ``__cause__``, or ``None`` when the exception has
        nothing to do with a model.
    """
    if isinstance(error, ModelError):
        return error
    openai = sys.modules.get("openai")
    if openai is not None and isinstance(error, openai.OpenAIError):
        return _of_openai(openai, error)
    for name in ("httpx2", "httpx"):
        httpx = sys.modules.get(name)
        if httpx is not None and isinstance(error, httpx.HTTPError | httpx.StreamError):
            return _of_httpx(httpx, error)
    from streamui.models.foreign.failures import library_error

    return library_error(error)


def stream_failure(error: BaseException, *, begun: bool, plain: bool = False) -> StreamUIError:
    """Translate whatever reading a provider's stream raised.

    Args:
        error: What it raised.
        begun: Whether anything had arrived before: a connection lost then is a cut.
        plain: Whether the stream is the user's own iterable, whose exceptions mean anything.

    Returns:
        The typed error; an error of streamui's own stays what it is.
    """
    if isinstance(error, StreamUIError):
        return error
    known = as_model_error(error)
    if known is not None:
        if begun and known.code == "connection":
            return caused(error, "truncated")
        return known
    if plain:
        return caused(error, "failed")
    if isinstance(error, TimeoutError):
        return caused(error, "timeout")
    if isinstance(error, OSError | EOFError):
        return caused(error, "truncated" if begun else "connection")
    # Bad UTF-8 and bad JSON are ValueErrors; the SDK's own bookkeeping meets data of the wrong
    # shape with any of the others.
    if isinstance(
        error, ValueError | TypeError | AttributeError | LookupError | AssertionError | RuntimeError
    ):
        return caused(error, "malformed")
    return caused(error, "failed")


def told_failure(
    message: str, code: object = None, kind: object = None, status: int | None = None
) -> ModelError:
    """Make the error for what a provider told in words.

    Args:
        message: Its message.
        code: Its ``code``, of any type.
        kind: Its ``type``, of any type.
        status: The HTTP status that came with it, where there was one.

    Returns:
        The typed error, without a cause.
    """
    name = code_of(code, kind, status)
    told = ", ".join(str(part) for part in (status, code, kind) if part)
    return ModelError(redact(f"{message} ({told})" if told else message), code=name)


def code_of(code: object, kind: object, status: int | None) -> str:
    """Choose the error code for what a provider said.

    Args:
        code: Its ``code``: a word, or an HTTP status.
        kind: Its ``type``.
        status: The HTTP status of the answer.

    Returns:
        A code of :class:`~streamui.errors.ModelError`.
    """
    if status is None:
        digits = str(code)
        status = int(digits) if digits.isdecimal() and len(digits) == 3 else None
    said = f"{code} {kind}".lower()
    word = next((name for word, name in _WORDS if word in said), None)
    if status is None:
        return word or "failed"
    # Within one status the words only make it finer: a proxy's 502 stays a server's error.
    if word and (status in (400, 402, 403, 404, 422) or (status == 429 and word == "quota")):
        return word
    if status in _STATUS_CODES:
        return _STATUS_CODES[status]
    return "server_error" if status >= 500 else "bad_request"


def caused(error: BaseException, code: str, **more: Any) -> ModelError:
    """Make a typed error whose cause is another exception.

    Args:
        error: The cause.
        code: What it amounts to.
        **more: Further arguments of :class:`~streamui.errors.ModelError`.

    Returns:
        The error, its text redacted.
    """
    text = str(getattr(error, "message", "")) or str(error)
    request = getattr(error, "request_id", None)
    named = f" (request {request})" if request else ""
    made = ModelError(redact(f"{type(error).__name__}: {text}{named}"), code=code, **more)
    made.__cause__ = error
    return made


def _of_openai(openai: ModuleType, error: Any) -> ModelError:
    if isinstance(error, openai.APITimeoutError):
        return caused(error, "timeout")
    if isinstance(error, openai.APIConnectionError):
        return caused(error, "connection")
    if isinstance(error, openai.APIResponseValidationError):
        return caused(error, "malformed")
    if isinstance(error, openai.APIStatusError):
        code = code_of(error.code, error.type, error.status_code)
        return caused(error, code, retry_after=retry_after(error.response.headers))
    if isinstance(error, openai.APIError):
        return caused(error, code_of(error.code, error.type, None))
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return caused(error, "content_filter")
    if "api_key" in str(error):
        return caused(error, "authentication")
    return caused(error, "failed")


def _of_httpx(httpx: ModuleType, error: Any) -> ModelError:
    if isinstance(error, httpx.TimeoutException):
        return caused(error, "timeout")
    if isinstance(error, httpx.HTTPStatusError):
        code = code_of(None, None, error.response.status_code)
        return caused(error, code, retry_after=retry_after(error.response.headers))
    if isinstance(error, httpx.DecodingError):
        return caused(error, "malformed")
    return caused(error, "connection")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how long a provider wants to be left alone.

    Args:
        headers: Of its response, with names in any case.

    Returns:
        Seconds, never negative; ``None`` when it does not say or cannot be understood.
    """
    for name, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / divisor
        except (KeyError, ValueError):
            continue
        return seconds if math.isfinite(seconds) and seconds >= 0 else None
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, date.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
