"""What every streamable is: an identity, content that can be read, and one owner."""

from __future__ import annotations

import asyncio
import secrets
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self, TypeVar, cast, get_args

from streamui.errors import NotStreamableError, StreamClosedError, StreamLockedError
from streamui.streamable.failure import LOST, Failure
from streamui.streamable.json_value import Reference, to_json
from streamui.streamable.log import UNSET, Log, Status, Unset
from streamui.streamable.meter import Meter, tell_ends
from streamui.streamable.mirror import Mirror
from streamui.streamable.patch import same
from streamui.streamable.quota import admitting_all, current_page, open_streams
from streamui.streamable.scope import Scope, current_scope
from streamui.streamable.watch import creation_line, watch_open
from streamui.streamable.writer import Writer

T = TypeVar("T")

_live: weakref.WeakValueDictionary[str, Streamable[Any]] = weakref.WeakValueDictionary()


class Streamable(Reference, Generic[T]):
    """Content under construction, as its readers and its owner see it.

    Args:
        value: What it holds at first; unset without one.

    Raises:
        NotJSONError: If ``value`` is not JSON.
        LimitError: If it is too large, or too many streams are open.
    """

    __slots__ = ("__weakref__", "_id", "_log", "_scope", "_writer", "made_at", "watch")

    def __init__(self, value: T | Unset = UNSET) -> None:
        self._begin(Log())
        if not isinstance(value, Unset):
            self._writer.set(value)
        scope = current_scope.get()
        owner: str = getattr(scope, "page", "") or current_page()
        open_streams.enter(owner)
        self._log.owner = owner
        if scope is not None and scope.adopt(self):
            self._scope = scope
        else:
            watch_open(self)
        self._log.count_from_here(Meter(self, self._log))
        tell_ends()  # of those that were dropped, if any were

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        kinds.setdefault(cls.__name__, cls)

    def _begin(self, log: Log) -> None:
        self._id: str | None = None
        self._log = log
        self._writer = Writer(log)
        self._scope: Scope | None = None
        self.made_at = creation_line()
        self.watch: asyncio.TimerHandle | None = None

    # -- reading ------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The stream's name, 128 random bits; to know it is not enough to read the stream."""
        if self._id is None:
            self._id = secrets.token_urlsafe(16)
            _live[self._id] = self
            if self._log.meter is not None:
                self._log.meter.known = True
        return self._id

    @property
    def value(self) -> T:
        """The value now; ``None`` while it is unset. Changing it changes no stream."""
        if self._writer.original is not UNSET:
            return cast("T", self._writer.original)
        value = self._log.value
        return cast("T", None if value is UNSET else value)

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
    def error_code(self) -> str:
        """The kind of failure, such as ``timeout``; empty unless it failed."""
        return self.failure.code if self.failure else ""

    @property
    def last_write(self) -> float:
        """When it was last written to, in seconds of ``time.monotonic``."""
        return self._log.last_write

    @property
    def scope(self) -> Scope | None:
        """The running function that will close it; ``None`` if there is none."""
        return self._scope

    @property
    def mirrored(self) -> bool:
        """Whether another process makes it; here it can be read and stopped."""
        return isinstance(self._log, Mirror)

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

    # -- owning -------------------------------------------------------------------------

    def cancel(self) -> Self:
        """End it as stopped by somebody; harmless if it has ended."""
        self.close("cancelled")
        return self

    def stop(self) -> None:
        """Stop whoever makes it, so that it ends as ``cancelled``; harmless if it has ended.

        The server function that opened it is stopped, if there is one; it alone is cancelled
        otherwise.
        """
        if self._scope is not None:
            self._scope.stop()
        elif self.mirrored:
            for stop in stoppers:
                stop(self.id)
        else:
            self.cancel()

    def interrupt(self) -> Self:
        """End it because its producer is gone; harmless if it has ended."""
        self.close("interrupted")
        return self

    def close(
        self,
        status: Status,
        failure: Failure | None = None,
        cause: BaseException | None = None,
    ) -> bool:
        """End it as whoever owns it has ended; harmless if it has ended.

        Args:
            status: How it ends.
            failure: What a page may know of it, when the status is ``error``.
            cause: What Python readers are to raise then.

        Returns:
            Whether this call ended it.
        """
        if self.streaming:
            if self.mirrored:
                raise StreamLockedError(_ELSEWHERE)
            self._writer.flush()
        ended = self._log.end(status, failure, cause)
        self._unwatch()
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.release(self)
        tell_ends()
        return ended

    async def wait_source(self) -> None:
        """Wait until what feeds it has ended; at once if nothing does."""

    def _check(self, verb: str) -> None:
        """Raise if a write cannot be."""
        if self.streaming and self.mirrored:
            raise StreamLockedError(f".{verb}(): {_ELSEWHERE}")
        if self._log.status != "streaming":
            raise StreamClosedError(
                f".{verb}(): the stream is closed ({self.status}); make a new one"
            )

    def __del__(self) -> None:
        if (
            not sys.is_finalizing()
            and hasattr(self, "_log")
            and self.streaming
            and not self.mirrored
        ):
            # Nobody can write to it any more: a reader must not wait for ever.
            self._log.end("interrupted")
            self._unwatch()

    def _unwatch(self) -> None:
        watch, self.watch = self.watch, None
        if watch is not None:  # else thousands of short streams would wait for it
            watch.cancel()

    # -- as a value of Python -----------------------------------------------------------

    def __repr__(self) -> str:
        value = self._log.value
        shown = "unset" if value is UNSET else repr(value)
        if len(shown) > 40:
            shown = f"{shown[:36]}…{shown[-1]}"
        return f"<{type(self).__name__} {shown} {self.status}>"

    def __eq__(self, other: object) -> bool:
        """Equal is the same stream, or two that have ended with the same value and status."""
        if not isinstance(other, Streamable):
            return NotImplemented
        others = cast("Streamable[Any]", other)
        if self is others or (self._id is not None and self._id == others._id):
            return True
        if self.streaming or others.streaming or self.status != others.status:
            return False
        return same(self._log.value, others._log.value) and self.failure == others.failure

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it changes, like a list

    @classmethod
    def restored(
        cls,
        name: str | None,
        value: Any,
        status: Status,
        failure: Failure | None,
        original: object,
    ) -> Self:
        """Make one that has ended, from what was saved of it.

        Args:
            name: Its id, if it had one.
            value: Its last value.
            status: How it ended.
            failure: Why it failed, if it did.
            original: The model that ``.value`` gives back, if it was one.
        """
        log = Log()  # with no limit: its life was counted, and limited, where it was lived
        if value is not UNSET:
            log.set(value)
        log.end(status, failure)
        restored = cls.__new__(cls)
        restored._begin(log)
        restored._writer.original = original
        if name is not None:
            restored._id = name
            _live[name] = restored
        return restored

    @classmethod
    def from_handle(cls, handle: object) -> Self:
        """Return the streamable that a handle stands for, wherever it is made.

        It asks nobody for permission: whoever calls it decides who may read the stream, and
        giving it to a page lets that page read and stop it.

        Args:
            handle: What :meth:`handle` returned, once, in any process.

        Returns:
            The streamable itself if this process makes it, else one that can be read and stopped.
            That of an ended stream's handle is what the handle says. One that nobody has, or
            has any more, has ended as ``interrupted`` with the code ``lost``.

        Raises:
            NotStreamableError: If it is no handle, or that of another kind of streamable.
            NotJSONError: If it holds what is not JSON.
        """
        said = cast("dict[str, Any]", handle) if isinstance(handle, dict) else {}
        if not isinstance(name := said.get("$stream"), str):
            raise NotStreamableError("from_handle() takes the handle of a streamable")
        if "status" in said and "held" not in said:
            if (status := said["status"]) not in get_args(Status)[1:]:
                raise NotStreamableError(f"a handle has no status {status!r}")
            # Not under its id, by which others are served: it may come from anybody.
            value = to_json(said["value"]) if "value" in said else UNSET
            return cls.restored(None, value, status, Failure.from_json(said.get("error")), UNSET)
        found = _live.get(name) or _found_elsewhere(cls, name)
        if found is None:
            return cls.restored(None, UNSET, "interrupted", LOST, UNSET)
        if not isinstance(found, cls):
            raise NotStreamableError(f"the handle is that of a {type(found).__name__}")
        return found

    @classmethod
    def mirroring(cls, name: str, log: Log) -> Self:
        """Return one that shows what is made elsewhere.

        Args:
            name: Its id.
            log: Its content, such as the mirror of another process's log.
        """
        found = _live.get(name)
        if isinstance(found, cls):
            return found
        mirroring = cls.__new__(cls)
        mirroring._begin(log)
        mirroring._id = name
        _live[name] = mirroring
        return mirroring

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Streamable[Any]:
        """An ended one is a constant; an open one, as a state's default, is copied afresh."""
        if self.closed or self.mirrored:
            return self
        value = self._log.value
        with admitting_all():
            return type(self)(value)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # An open one needs its id to be found again by whoever unpickles it.
        name = self.id if self.streaming else self._id
        now = self._log.read(-1)
        if now.status == "streaming" and not self.mirrored:
            for leave in leaving:
                leave(self.id, self._log)
        original = self._writer.original
        if "<locals>" in type(original).__qualname__:  # such a class cannot be found again
            original = UNSET
        content = (now.content, now.status, now.failure, original, now.offset, now.base)
        return _restore, (type(self), name, *content)


def find_streamable(name: str) -> Streamable[Any] | None:
    """Return the streamable with this id, if it is made in this process and still in use.

    Args:
        name: A stream's id.
    """
    found = _live.get(name)
    return None if found is not None and found.mirrored else found


def find_log(name: str) -> Log | None:
    """Return the content of the stream with this id, if this process has it.

    Args:
        name: A stream's id.
    """
    found = _live.get(name)
    if found is not None:
        return found.log
    return next((log for find in finders if (log := find(name)) is not None), None)


finders: list[Callable[[str], Log | None]] = []
"""Where else to look for a stream by its id; a store adds itself."""

openers: list[Callable[[str], Awaitable[Log]]] = []
"""Where to look for it in other processes; they raise StreamNotFoundError."""

mirrors: list[Callable[[str], Log | None]] = []
"""Who gives the content of a stream that may be made in another process, at once."""

leaving: list[Callable[[str, Log], None]] = []
"""Who is told that an open stream is pickled: another process may ask for it."""

stoppers: list[Callable[[str], None]] = []
"""Who stops a stream that another process makes."""

kinds: dict[str, type[Streamable[Any]]] = {}
"""The classes of streamables by their name."""

_ELSEWHERE = "the stream is made in another process; here it can only be read and stopped"


def _found_elsewhere(kind: type[Streamable[Any]], name: str) -> Streamable[Any] | None:
    log = next((log for find in mirrors if (log := find(name)) is not None), None)
    return kind.mirroring(name, log) if log is not None else None


def _restore(
    kind: type[Streamable[Any]],
    name: str | None,
    value: Any,
    status: Status,
    failure: Failure | None,
    original: object,
    offset: int = -1,
    base: tuple[int, int] | None = None,
) -> Streamable[Any]:
    if name is not None and (found := _live.get(name)) is not None:
        if isinstance(found.log, Mirror):
            _seed(found.log, value, status, offset, base)
        return found
    if name is not None and status == "streaming":
        elsewhere = _found_elsewhere(kind, name)
        if elsewhere is not None:
            if isinstance(elsewhere.log, Mirror):
                _seed(elsewhere.log, value, status, offset, base)
            return elsewhere
    # One that was open when it was saved has lost its producer with the process.
    ended: Status = "interrupted" if status == "streaming" else status
    return kind.restored(name, value, ended, failure, original)


def _seed(
    log: Mirror, value: Any, status: Status, offset: int, base: tuple[int, int] | None
) -> None:
    if status == "streaming" and value is not UNSET and offset >= 0:
        log.seed(value, offset, base)
