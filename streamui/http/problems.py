"""What a client is told when it gets no stream: a status, a code and a sentence."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from streamui.errors import (
    LimitError,
    LinkExpiredError,
    ProtocolError,
    RestartingError,
    StoreUnavailableError,
    StreamNotFoundError,
    TooLongError,
)
from streamui.streamable.failure import Failure, words_for_log

logger = logging.getLogger("streamui")
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_UNCLEAR = "This request cannot be understood."
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (ProtocolError, 400),
    (LinkExpiredError, 401),
    (StreamNotFoundError, 404),
    (TooLongError, 413),
    (LimitError, 429),
    (RestartingError, 503),
    (StoreUnavailableError, 503),
)


def refuse(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Make the answer to a request that is refused.

    Args:
        status: Of HTTP.
        code: For programs.
        message: For people; safe to show.
        headers: More headers.
    """
    content = {"code": code, "message": message}
    return JSONResponse(content, status, {**_HEADERS, **(headers or {})})


def problem(error: Exception) -> Response:
    """Make the answer to a request that failed.

    Args:
        error: Why. One that is not expected here is logged with its words, under the reference
            that the client gets in their place.
    """
    failure = Failure.of(error)
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            sentence = _UNCLEAR if kind is ProtocolError else failure.sentence
            return refuse(status, failure.code, sentence, _more_headers(error))
    words = words_for_log(error)
    logger.error("A request for a stream failed [%s]: %s", failure.reference, words)
    return JSONResponse(failure.as_json(), 500, _HEADERS)


def _more_headers(error: Exception) -> dict[str, str]:
    if isinstance(error, LinkExpiredError):
        return {"www-authenticate": 'Bearer error="invalid_token"'}
    if isinstance(error, LimitError) and error.retry_after is not None:
        return {"retry-after": str(math.ceil(error.retry_after))}
    passing = isinstance(error, StoreUnavailableError | RestartingError)
    return {"retry-after": "1"} if passing else {}
