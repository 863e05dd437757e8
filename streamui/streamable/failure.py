"""How a stream failed, as a page may know it."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from streamui.errors import (
    LimitError,
    ModelError,
    StreamInterruptedError,
    StreamNotFoundError,
    StreamUIError,
    ToolError,
)
from streamui.redaction import redact, redacted_traceback

logger = logging.getLogger("streamui")


@dataclass(frozen=True, slots=True)
class Failure:
    """A typed failure: what a page shows, and the reference that finds it in the log.

    Attributes:
        code: Stable name of the kind of failure, such as ``timeout`` or ``internal``.
        sentence: Safe to show to anybody.
        reference: Correlation id; the log has the cause under it.
    """

    code: str
    sentence: str
    reference: str = ""

    @classmethod
    def of(cls, cause: BaseException | str) -> Failure:
        """Describe an exception without its words, or pass a developer's own sentence on.

        Args:
            cause: What was given to ``error()``. The text of an exception stays on the server.
        """
        reference = secrets.token_hex(4)
        if isinstance(cause, str):
            return cls("error", cause, reference)
        if isinstance(cause, StreamUIError):
            return cls(cause.code, cause.sentence, reference)
        return cls(StreamUIError.code, StreamUIError.sentence, reference)

    @classmethod
    def from_json(cls, written: object) -> Failure | None:
        """Return what :meth:`as_json` wrote; ``None`` for anything else.

        Args:
            written: From wherever it came.
        """
        match written:
            case {"code": str(code), "message": str(sentence), "reference": str(reference)}:
                return cls(code, sentence, reference)
            case _:
                return None

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"code": self.code, "message": self.sentence, "reference": self.reference}


INTERRUPTED = Failure(StreamInterruptedError.code, StreamInterruptedError.sentence)
"""Of a stream whose producer went away."""

LOST = Failure(StreamNotFoundError.code, StreamNotFoundError.sentence)
"""Of a stream that nobody knows, that has expired, or that is not the asker's."""


def words_for_log(cause: BaseException | str) -> str:
    """Return what the log has of a failure, free of secrets.

    That providers and tools fail and limits are reached is to be expected: one line says how.
    Anything else comes with its traceback, and so do these at the level ``DEBUG``.

    Args:
        cause: An exception, or a developer's own sentence.
    """
    if isinstance(cause, str):
        return redact(cause)
    if isinstance(cause, ModelError | LimitError | ToolError) and not logger.isEnabledFor(
        logging.DEBUG
    ):
        return redact(" ".join(f"{cause.code}: {cause}".split()))
    return redacted_traceback(cause)
