"""Every exception that streamui raises.

::

    StreamUIError
    ├── StreamClosedError (RuntimeError)       a write after the end
    ├── StreamLockedError (RuntimeError)       a write to a value that follows a source
    ├── StreamTypeError (TypeError)            an append that does not fit the value
    ├── NotJSONError (TypeError)               a value that is not JSON, with its path
    ├── NotStreamableError (TypeError)         a read of something that is no streamable
    ├── StreamNotFoundError (LookupError)      unknown, expired or forbidden: all answer alike
    ├── StreamConnectionError (ConnectionError) a stream's server cannot be reached, or refuses
    ├── StoreUnavailableError (ConnectionError) the shared store cannot be reached now
    ├── RestartingError (RuntimeError)         the process is about to end, and begins nothing new
    ├── LimitError (RuntimeError)              a configured limit is reached; it says which
    ├── StreamCancelledError (RuntimeError)    the producer was stopped
    ├── StreamInterruptedError (RuntimeError)  the producer died without an end
    ├── RunTimeoutError (TimeoutError)         a server function ran past its time limit
    ├── TooLongError (ValueError)              input over a configured limit
    ├── LinkExpiredError (PermissionError)     a signed link to a stream is too old
    ├── PageError (TypeError)                  something a page cannot do, said at compile time
    ├── ProtocolError (ValueError)             bytes that break their wire protocol
    ├── SchemaError (TypeError)                a type that a model cannot be asked for
    ├── ToolDefinitionError (TypeError)        a function that cannot be a tool for a model
    ├── ToolError (RuntimeError)               a tool's call that came to nothing
    └── ModelError (RuntimeError)              whatever a model provider did wrong
        └── ObjectError (ValueError)           a model's answer that is not the object asked for

Each class has a ``code`` (stable, for programs) and a ``sentence`` (safe to show to anybody).
The text of the exception itself is for the log and may hold anything.
"""

from __future__ import annotations

from typing import ClassVar


class StreamUIError(Exception):
    """Root of every error that streamui raises.

    Attributes:
        code: Stable name of the kind of failure, for programs and for the page.
        sentence: What a person may be told; never holds a provider's words or a secret.
    """

    code: ClassVar[str] = "internal"
    sentence: ClassVar[str] = "Something went wrong on the server."


class StreamClosedError(StreamUIError, RuntimeError):
    """A write to a streamable that has already ended."""

    code = "closed"


class StreamLockedError(StreamUIError, RuntimeError):
    """A write to a streamable that is fed by ``from_source``."""

    code = "locked"


class StreamTypeError(StreamUIError, TypeError):
    """An ``append`` whose type does not fit the current value."""

    code = "type"


class NotJSONError(StreamUIError, TypeError):
    """A value that cannot travel as JSON; the message names its type and its path."""

    code = "not_json"


class NotStreamableError(StreamUIError, TypeError):
    """Something was read as a streamable that is none."""

    code = "not_streamable"


class StreamNotFoundError(StreamUIError, LookupError):
    """No stream with this id can be had here: unknown, expired or not yours."""

    code = "lost"
    sentence = "This stream is no longer available."


class StreamConnectionError(StreamUIError, ConnectionError):
    """The server that has a stream cannot be reached, or answers with no stream.

    Attributes:
        status: The status it answered with, such as 401; ``None`` if it did not answer.
        retry_after: Seconds that it asked to wait before trying again; ``None`` if it did not.

    Args:
        message: For the log.
        status: A status of HTTP, or ``None``.
        retry_after: Seconds, or ``None``.
    """

    code = "connection"
    sentence = "The server of this stream cannot be reached. Try again in a moment."

    def __init__(
        self, message: str = "", *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class StoreUnavailableError(StreamUIError, ConnectionError):
    """The store that the app's processes share cannot be reached, or is full."""

    code = "unavailable"
    sentence = "The server cannot reach its streams right now. Try again in a moment."


class RestartingError(StreamUIError, RuntimeError):
    """A call that the server does not begin, because its process is about to end."""

    code = "restarting"
    sentence = "The server is restarting. Try again in a moment."


class LimitError(StreamUIError, RuntimeError):
    """A configured limit is reached; the message names the setting.

    Attributes:
        setting: The name of the setting, such as ``streams_per_page``.
        limit: What it is set to.
        retry_after: Seconds after which trying again makes sense; ``None`` if it does not.

    Args:
        setting: The name of the setting.
        limit: What it is set to.
        retry_after: Seconds, or ``None``.
    """

    code = "limit"
    sentence = "That is more than this server allows at once. Try again in a moment."

    def __init__(self, setting: str, limit: float, *, retry_after: float | None = None) -> None:
        super().__init__(
            f"{setting} is {limit:g}, and is reached; STREAMUI_{setting.upper()} sets it"
        )
        self.setting, self.limit, self.retry_after = setting, limit, retry_after


class StreamCancelledError(StreamUIError, RuntimeError):
    """The stream was stopped before its end; what came before it stands."""

    code = "cancelled"
    sentence = "Stopped."


class StreamInterruptedError(StreamUIError, RuntimeError):
    """The stream's producer went away without an end; what came before it stands."""

    code = "interrupted"
    sentence = "The answer was interrupted."


class RunTimeoutError(StreamUIError, TimeoutError):
    """A server function ran past its time limit."""

    code = "timeout"
    sentence = "This took too long and was ended."


class TooLongError(StreamUIError, ValueError):
    """Input over a configured limit."""

    code = "too_long"
    sentence = "That is too long to send."


class LinkExpiredError(StreamUIError, PermissionError):
    """A link that :func:`streamui.stream_url` made is older than it was made for."""

    code = "expired"
    sentence = "This link has expired. Ask for a new one."


class PageError(StreamUIError, TypeError):
    """A page asks for something that cannot work in a browser; raised while compiling."""

    code = "page"


class ProtocolError(StreamUIError, ValueError):
    """Bytes that break the wire protocol they claim to speak."""

    code = "protocol"


class SchemaError(StreamUIError, TypeError):
    """A type that a model cannot be asked for; the message says why."""

    code = "schema"


class ToolDefinitionError(StreamUIError, TypeError):
    """A function that cannot be a tool for a model; the message says why."""

    code = "tool"


class ToolError(StreamUIError, RuntimeError):
    """A tool's call that came to nothing, whichever way.

    A tool may raise it to say in a sentence what is wrong: the model and the page are told that,
    where of any other exception they learn only that the tool failed.

    Attributes:
        code: What went wrong: ``failed``, ``timeout``, ``denied``, ``unknown_tool``,
            ``bad_arguments``, ``not_json`` or ``too_large``.
        sentence: What a person and the model may be told about it.

    Args:
        message: For the log.
        code: One of the codes above.
        sentence: In place of the code's own sentence.
    """

    sentences: ClassVar[dict[str, str]] = {
        "failed": "A tool of the model failed.",
        "timeout": "A tool of the model took too long and was ended.",
        "denied": "This was not allowed.",
        "unknown_tool": "The model asked for a tool that does not exist.",
        "bad_arguments": "The model used a tool in a wrong way.",
        "not_json": "A tool of the model gave something that cannot be sent.",
        "too_large": "A tool of the model gave more than can be shown.",
    }
    """The safe sentence of each code."""

    def __init__(
        self, message: str = "", *, code: str = "failed", sentence: str | None = None
    ) -> None:
        super().__init__(message)
        # As in ModelError: each has its own.
        self.code = code  # pyright: ignore[reportAttributeAccessIssue]
        self.sentence = (  # pyright: ignore[reportAttributeAccessIssue]
            sentence or self.sentences.get(code, self.sentences["failed"])
        )


class ModelError(StreamUIError, RuntimeError):
    """Whatever a model provider did wrong, in one type.

    The text is for the log and carries the provider's words with keys and passwords removed;
    ``__cause__`` is the original exception where there was one.

    Attributes:
        code: What went wrong: ``rate_limited``, ``quota``, ``authentication``,
            ``permission_denied``, ``bad_request``, ``not_found``, ``conflict``,
            ``context_length``, ``content_filter``, ``refused``, ``server_error``, ``overloaded``,
            ``timeout``, ``connection``, ``truncated``, ``length``, ``malformed`` or ``failed``.
        sentence: What a person may be told about it.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds to wait before that, where the provider said so.

    Args:
        message: For the log; already free of secrets.
        code: One of the codes above.
        sentence: In place of the code's own sentence.
        retryable: In place of what is usual for the code.
        retry_after: Seconds, or ``None`` when nothing is known.
    """

    sentences: ClassVar[dict[str, str]] = {
        "rate_limited": "The model is busy with too many requests. Try again in a moment.",
        "quota": "The model's quota is used up.",
        "authentication": "The model did not accept this app's key.",
        "permission_denied": "This app may not use this model.",
        "bad_request": "The model did not understand the request.",
        "not_found": "The model, or something the request refers to, does not exist.",
        "conflict": "The model was busy with the same request. Try again.",
        "context_length": "That is too long for the model.",
        "content_filter": "The model's content filter stopped this.",
        "refused": "The model refused to answer this.",
        "server_error": "The model's service failed. Try again.",
        "overloaded": "The model's service is overloaded. Try again in a moment.",
        "timeout": "The model took too long to answer. Try again.",
        "connection": "The model's service could not be reached. Try again.",
        "truncated": "The answer broke off before its end. Try again.",
        "length": "The answer was longer than it may be.",
        "malformed": "The model's service sent something that could not be read.",
        "failed": "The model could not answer.",
    }
    """The safe sentence of each code."""

    retryable_codes: ClassVar[frozenset[str]] = frozenset(
        {
            "rate_limited",
            "conflict",
            "server_error",
            "overloaded",
            "timeout",
            "connection",
            "truncated",
            "malformed",
        }
    )
    """The codes whose request may succeed when it is sent again."""

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "failed",
        sentence: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        # Each failure of a provider has its own, where other errors have their class's.
        self.code = code  # pyright: ignore[reportAttributeAccessIssue]
        self.sentence = (  # pyright: ignore[reportAttributeAccessIssue]
            sentence or self.sentences.get(code, self.sentences["failed"])
        )
        self.retryable = code in self.retryable_codes if retryable is None else retryable
        self.retry_after = retry_after


class ObjectError(ModelError, ValueError):
    """A model's answer that is not the object it was asked for, also when it was asked again.

    Attributes:
        code: ``object`` when it is not of the form; ``length`` when it was cut off because it had
            become too long, ``refused`` or ``content_filter`` when it is no object for that reason.
        text: What the model wrote, for your program: it may hold anything, and neither a page nor
            the log is told it.

    Args:
        message: For the log, free of what the model wrote.
        text: What it wrote.
        code: One of the codes above.
    """

    code: ClassVar[str] = "object"
    sentence: ClassVar[str] = "The model's answer did not have the form it should have."

    def __init__(self, message: str = "", *, text: str = "", code: str = "object") -> None:
        sentence = None if code in self.sentences else type(self).sentence
        super().__init__(message, code=code, sentence=sentence)
        self.text = text
