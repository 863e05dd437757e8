"""Every exception that streamui raises.

::

    StreamUIError
    ├── StreamClosedError (RuntimeError)       a write after the end
    ├── StreamLockedError (RuntimeError)       a write to a value that follows a source
    ├── StreamTypeError (TypeError)            an append that does not fit the value
    ├── NotJSONError (TypeError)               a value that is not JSON, with its path
    ├── NotStreamableError (TypeError)         a read of something that is no streamable
    ├── StreamNotFoundError (LookupError)      unknown, expired or forbidden: all answer alike
    ├── StreamCancelledError (RuntimeError)    the producer was stopped
    ├── StreamInterruptedError (RuntimeError)  the producer died without an end
    ├── RunTimeoutError (TimeoutError)         a server function ran past its time limit
    ├── TooLongError (ValueError)              input over a configured limit
    ├── PageError (TypeError)                  something a page cannot do, said at compile time
    ├── ProtocolError (ValueError)             bytes that break their wire protocol
    └── ModelError (RuntimeError)              whatever a model provider did wrong

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


class PageError(StreamUIError, TypeError):
    """A page asks for something that cannot work in a browser; raised while compiling."""

    code = "page"


class ProtocolError(StreamUIError, ValueError):
    """Bytes that break the wire protocol they claim to speak."""

    code = "protocol"
