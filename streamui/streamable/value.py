"""A value that is still being made."""

from __future__ import annotations

import logging
import secrets
import sys
import weakref
from collections.abc import AsyncIterable, Callable
from typing import Any, Generic, Self, TypeVar, cast

from streamui.errors import StreamClosedError, StreamLockedError
from streamui.streamable.failure import Failure
from streamui.streamable.json_value import copy_json
from streamui.streamable.log import UNSET, Log, Status, Unset
from streamui.streamable.patch import same
from streamui.streamable.scope import Scope, current_scope
from streamui.streamable.source import Feeder
from streamui.streamable.watch import creation_line, watch_open
from streamui.streamable.writer import Writer

T = TypeVar("T")
logger = logging.getLogger("streamui")

_live: weakref.WeakValueDictionary[str, StreamableValue[Any]] = weakref.WeakValueDictionary()


class StreamableValue(Generic[T]):
    """A value under construction: written here, read live anywhere else.

    Put it into a state variable, a component, a list, a dict or a dataclass: what travels is
    its handle, and the content follows as it is made. Writing never blocks and needs no state
    lock. Every write returns the streamable itself.

    Follows ``createStreamableValue`` of ``@ai-sdk/rsc``.

    Args:
        value: What it holds at first: any JSON value, a pydantic model or a dataclass. Without
            one it is unset, and readers wait for the first write.

    Raises:
        NotJSONError: If ``value`` is not JSON.

    Example:
        >>> answer = StreamableValue("Hello").append(", world").done()
        >>> answer.value, answer.status
        ('Hello, world', 'done')
    """

    __slots__ = ("__weakref__", "_feeder", "_id", "_log", "_scope", "_writer", "made_at")

    def __init__(self, value: T | Unset = UNSET) -> None:
        self._id: str | None = None
        self._log = Log()
        self._writer = Writer(self._log)
        self._feeder: Feeder | None = None  # it follows a source: locked for everybody else
        self._scope: Scope | None = None
        self.made_at = creation_line()
        if not isinstance(value, Unset):
            self._writer.set(value)
        self._join_scope()
        if self._scope is None:
            watch_open(self)

    # -- reading ------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The stream's name, 128 random bits; whoever knows it may read the stream."""
        if self._id is None:
            self._id = secrets.token_urlsafe(16)
            _live[self._id] = self
        return self._id

    @property
    def value(self) -> T:
        """The value now; ``None`` while it is unset. Changing it changes no stream."""
        if self._writer.original is not UNSET:
            return cast("T", self._writer.original)
        value = self._log.value
        return cast("T", None if value is UNSET else copy_json(value))

    @property
    def status(self) -> Status:
        """``streaming``, or how it ended: ``done``, ``error``, ``cancelled``, ``interrupted``."""
        return self._log.status

    @property
    def streaming(self) -> bool:
        """Whether more may come."""
        return self._log.status == "streaming"

    @property
    def closed(self) -> bool:
        """Whether it has ended, in whichever way."""
        return self._log.status != "streaming"

    @property
    def failure(self) -> Failure | None:
        """Why it failed, in words that are safe to show; ``None`` unless it did."""
        return self._log.failure

    @property
    def last_write(self) -> float:
        """When it was last written to, in seconds of ``time.monotonic``."""
        return self._writer.last_write

    @property
    def owned(self) -> bool:
        """Whether a running function will close it."""
        return self._scope is not None

    @property
    def log(self) -> Log:
        """The content and history that readers read."""
        return self._log

    def handle(self) -> dict[str, Any]:
        """Return the small JSON that stands for this streamable.

        Returns:
            ``{"$stream": id}`` while it streams. Once it has ended also its ``status``,
            ``value`` and ``error``: then the handle is all there is to know.
        """
        if self.streaming:
            return {"$stream": self.id}
        handle: dict[str, Any] = {"$stream": self._id or "", "status": self.status}
        if (value := self._log.value) is not UNSET:
            handle["value"] = value
        if self.failure:
            handle["error"] = self.failure.as_json()
        return handle

    # -- writing ------------------------------------------------------------------------

    def update(self, value: T) -> Self:
        """Replace the value; readers get only what differs, when that is smaller.

        Args:
            value: The new value. Text that begins with the old text is sent as an append; a
                change inside an object or a list as a change at its path; the same value not
                at all.

        Raises:
            StreamClosedError: If it has ended.
            StreamLockedError: If it follows a source.
            NotJSONError: If ``value`` is not JSON; the message names the path.
        """
        self._check("update")
        self._writer.set(value)
        return self

    def append(self, piece: Any) -> Self:
        """Add text to a text value, or an item to a list; on an unset value, set it.

        Args:
            piece: Text for text. For a list a list of items, or a single item of another type.

        Raises:
            StreamClosedError: If it has ended.
            StreamLockedError: If it follows a source.
            StreamTypeError: If the value is neither text nor a list, or ``piece`` does not fit.
            NotJSONError: If ``piece`` is not JSON.
        """
        self._check("append")
        self._writer.append(piece)
        return self

    def done(self, value: T | Unset = UNSET) -> Self:
        """End it well, with a last value if one is given; ``None`` counts as one.

        Raises:
            StreamClosedError: If it has ended.
            StreamLockedError: If it follows a source.
            NotJSONError: If ``value`` is not JSON.
        """
        self._check("done")
        if not isinstance(value, Unset):
            self._writer.set(value)
        self._end("done")
        return self

    def error(self, cause: BaseException | str | None = None) -> Self:
        """End it as failed; what was written before stands.

        Args:
            cause: An exception, which Python readers get as it is; pages get its code, a safe
                sentence and a reference that finds it in the log. A ``str`` is your own
                sentence, shown as it stands.

        Raises:
            StreamClosedError: If it has ended.
            StreamLockedError: If it follows a source.
        """
        self._check("error")
        self._fail(cause if cause is not None else RuntimeError("the producer gave no reason"))
        return self

    def cancel(self) -> Self:
        """End it as stopped by somebody; harmless if it has ended."""
        self._end("cancelled")
        return self

    def interrupt(self) -> Self:
        """End it because its producer is gone; harmless if it has ended."""
        self._end("interrupted")
        return self

    @classmethod
    def from_source(cls, source: AsyncIterable[Any]) -> StreamableValue[Any]:
        """Make a streamable that follows an async iterable and is locked for other writers.

        Args:
            source: Text is appended, anything else replaces the value. Its end is the end of
                the streamable, and what it raises is its error.

        Returns:
            The streamable, already following. It needs a running event loop.

        Raises:
            RuntimeError: If no event loop runs.
        """
        streamable: StreamableValue[Any] = cls()
        streamable._feeder = Feeder(streamable, source)
        return streamable

    # -- for whoever owns it -------------------------------------------------------------

    def close(
        self,
        status: str,
        failure: Failure | None = None,
        cause: BaseException | None = None,
    ) -> None:
        """End it as the run that owns it ended; harmless if it has ended.

        Args:
            status: How the run ended.
            failure: What a page may know of it, when the status is ``error``.
            cause: What the run raised then.
        """
        self._end(cast("Status", status), failure, cause)

    async def wait_source(self) -> None:
        """Wait until the source it follows has ended; at once if it follows none."""
        if self._feeder is not None:
            await self._feeder.wait()

    # -- for the feeder of a locked one ------------------------------------------------

    def feed(self, item: Any) -> None:
        """Write what the source gave: text as an append, anything else as the value."""
        if isinstance(item, str):
            self._writer.append(item)
        else:
            self._writer.set(item)

    def feed_end(self) -> None:
        """End it well, because the source has ended."""
        self._end("done")

    def feed_error(self, cause: BaseException) -> None:
        """End it as failed, because the source raised."""
        self._fail(cause)

    # -- inside -------------------------------------------------------------------------

    def _check(self, verb: str) -> None:
        if self._log.status != "streaming":
            raise StreamClosedError(
                f".{verb}(): the stream is closed ({self.status}); make a new StreamableValue"
            )
        if self._feeder is not None:
            raise StreamLockedError(f".{verb}(): the stream is locked, it follows a source")
        if self._scope is None:
            self._join_scope()

    def _join_scope(self) -> None:
        scope = current_scope.get()
        if scope is not None and self.streaming:
            self._scope = scope
            scope.adopt(self)

    def _fail(self, cause: BaseException | str) -> None:
        if self.closed:
            return
        failure = Failure.of(cause)
        exception = cause if isinstance(cause, BaseException) else RuntimeError(cause)
        if self._end("error", failure, exception):
            logger.error(
                "A stream made at %s failed [%s]: %s",
                self.made_at, failure.reference, cause,
                exc_info=cause if isinstance(cause, BaseException) else None,
            )  # fmt: skip

    def _end(
        self, status: Status, failure: Failure | None = None, cause: BaseException | None = None
    ) -> bool:
        if self.streaming:
            self._writer.flush()
        ended = self._log.end(status, failure, cause)
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.release(self)
        if self._feeder is not None:
            self._feeder.stop()
        return ended

    def __del__(self) -> None:
        if not sys.is_finalizing() and hasattr(self, "_log") and self.streaming:
            # Nobody can write to it any more: a reader must not wait for ever.
            self._log.end("interrupted")

    # -- as a value of Python -----------------------------------------------------------

    def __repr__(self) -> str:
        value = self._log.value
        shown = "unset" if value is UNSET else repr(value)
        if len(shown) > 40:
            shown = f"{shown[:36]}…{shown[-1]}"
        return f"<{type(self).__name__} {shown} {self.status}>"

    def __eq__(self, other: object) -> bool:
        """Equal is the same stream, or two that have ended with the same value and status."""
        if not isinstance(other, StreamableValue):
            return NotImplemented
        others = cast("StreamableValue[Any]", other)
        if self is others or (self._id is not None and self._id == others._id):
            return True
        if self.streaming or others.streaming or self.status != others.status:
            return False
        return same(self._log.value, others._log.value) and self.failure == others.failure

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it changes, like a list

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> StreamableValue[Any]:
        """An ended one is a constant; an open one, as a state's default, is copied afresh."""
        if self.closed:
            return self
        value = self._log.value
        return type(self)(UNSET if value is UNSET else copy_json(value))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # An open one needs its id to be found again by whoever unpickles it.
        name = self.id if self.streaming else self._id
        content = (self._log.value, self.status, self.failure)
        return _restore, (type(self), name, *content, self._writer.original)


def find_live(name: str) -> StreamableValue[Any] | None:
    """Return the streamable of this process that has this id, if one has.

    Args:
        name: A stream's id.
    """
    return _live.get(name)


def _restore(
    kind: type[StreamableValue[Any]],
    name: str | None,
    value: Any,
    status: Status,
    failure: Failure | None,
    original: object,
) -> StreamableValue[Any]:
    if name is not None and (found := _live.get(name)) is not None:
        return found
    restored = kind(value)
    restored._id, restored._writer.original = name, original
    if name is not None:
        _live[name] = restored
    # One that was open when it was saved has lost its producer with the process.
    restored.log.end("interrupted" if status == "streaming" else status, failure)
    return restored
