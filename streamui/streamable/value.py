"""A value that is still being made."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable
from typing import Any, Self, TypeVar

from streamui.errors import LimitError, StreamLockedError, StreamTypeError
from streamui.streamable.base import Streamable
from streamui.streamable.failure import Failure, words_for_log
from streamui.streamable.log import UNSET, Log, Status, Unset
from streamui.streamable.source import Feeder

T = TypeVar("T")
logger = logging.getLogger("streamui")


class StreamableValue(Streamable[T]):
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
        LimitError: If it is too large, or too many streams are open.

    Example:
        >>> answer = StreamableValue("Hello").append(", world").done()
        >>> answer.value, answer.status
        ('Hello, world', 'done')
    """

    __slots__ = ("_feeder",)

    def _begin(self, log: Log) -> None:
        self._feeder: Feeder | None = None  # it follows a source: locked for everybody else
        super()._begin(log)

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
            LimitError: If ``value`` is too large; then this is the end, with what was written
                before.
        """
        self._check("update")
        self._set(value)
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
            LimitError: If the value is too large with it; then this is the end, with what was
                written before.
        """
        self._check("append")
        try:
            self._writer.append(piece)
        except LimitError as cause:
            self._fail(cause)
            raise
        return self

    def done(self, value: T | Unset | None = UNSET) -> Self:
        """End it well, with a last value if one is given; ``None`` counts as one.

        Raises:
            StreamClosedError: If it has ended.
            StreamLockedError: If it follows a source.
            NotJSONError: If ``value`` is not JSON.
            LimitError: If ``value`` is too large; then it has failed.
        """
        self._check("done")
        if not isinstance(value, Unset):
            self._set(value)
        self.close("done")
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

    @classmethod
    def from_source(cls, source: AsyncIterable[Any]) -> StreamableValue[Any]:
        """Make a streamable that follows an async iterable and is locked for other writers.

        Args:
            source: Text is appended, anything else replaces the value. Its end is the end of
                the streamable, and what it raises is its error.

        Returns:
            The streamable, already following. It needs a running event loop.

        Raises:
            StreamTypeError: If ``source`` is no async iterable.
            RuntimeError: If no event loop runs.
        """
        if not hasattr(source, "__aiter__"):
            raise StreamTypeError(
                f"from_source() takes an async iterable, not {type(source).__name__}"
            )
        streamable: StreamableValue[Any] = cls()
        streamable._feeder = Feeder(streamable, source)
        return streamable

    # -- for its source ------------------------------------------------------------------

    async def wait_source(self) -> None:
        """Wait until the source it follows has ended; at once if it follows none."""
        if self._feeder is not None:
            await self._feeder.wait()

    def feed(self, item: Any) -> None:
        """Write what the source gave: text as an append, anything else as the value."""
        if isinstance(item, str):
            self._writer.append(item)
        else:
            self._writer.set(item)

    def feed_end(self) -> None:
        """End it well, because the source has ended."""
        self.close("done")

    def feed_error(self, cause: BaseException) -> None:
        """End it as failed, because the source raised."""
        self._fail(cause)

    # -- inside -------------------------------------------------------------------------

    def close(
        self,
        status: Status,
        failure: Failure | None = None,
        cause: BaseException | None = None,
    ) -> bool:
        """End it, and what feeds it; see :meth:`Streamable.close`."""
        ended = super().close(status, failure, cause)
        if self._feeder is not None:
            self._feeder.stop()
        return ended

    def _set(self, value: Any) -> None:
        try:
            self._writer.set(value)
        except LimitError as cause:
            self._fail(cause)
            raise

    def _check(self, verb: str) -> None:
        log = self._log
        if self._feeder is None and log.status == "streaming" and type(log) is Log:
            return  # what nearly every write finds, and at a fraction of the time
        if self._feeder is not None and self.streaming:
            raise StreamLockedError(f".{verb}(): the stream is locked, it follows a source")
        super()._check(verb)

    def _fail(self, cause: BaseException | str) -> None:
        failure = Failure.of(cause)
        exception = cause if isinstance(cause, BaseException) else RuntimeError(cause)
        if self.close("error", failure, exception):
            words = words_for_log(cause)
            logger.error(
                "A stream made at %s failed [%s]: %s", self.made_at, failure.reference, words
            )
