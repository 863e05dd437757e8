"""One stream's content and history: a value, an offset, and what came since any offset.

The offset counts what was written: a text append counts its characters, a list append its
items, any other change and the end count one. So the text is its own log: what came after
offset *k* is a slice, nothing is kept twice, and a reader is no more than a number.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from streamui.errors import LimitError, StreamClosedError
from streamui.settings import settings
from streamui.streamable.failure import INTERRUPTED, Failure
from streamui.streamable.json_value import copy_json
from streamui.streamable.patch import Patch, bytes_of, size_of
from streamui.streamable.quota import open_streams
from streamui.streamable.room import most_bytes
from streamui.streamable.tree import apply_patch

if TYPE_CHECKING:
    from streamui.streamable.meter import Meter

Status = Literal["streaming", "done", "error", "cancelled", "interrupted"]


class Unset:
    """The value of a streamable that has none yet."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNSET"


UNSET = Unset()


@dataclass(slots=True)
class Change:
    """Everything that happened after an offset, merged.

    Attributes:
        start: The offset it begins at; for a snapshot what the reader asked for is void.
        offset: The offset it ends at: where to read from next.
        kind: ``nothing``, ``append`` (text or items), ``patches`` or ``snapshot`` (replace).
        content: The text, items, patches or value; :data:`UNSET` for nothing.
        status: The stream's status after it.
        failure: Why it failed, when the status is ``error`` or ``interrupted``.
        base: Of a snapshot: the offset since which there were only appends, and how long the
            value was then. With it a log that mirrors this one reaches back as far.
    """

    start: int
    offset: int
    kind: Literal["nothing", "append", "patches", "snapshot"]
    content: Any
    status: Status
    failure: Failure | None
    base: tuple[int, int] | None = None

    def part(self, most: int) -> Change:
        """Return its first so many characters or items; all of it where it cannot be cut.

        What was set in one go, or changed inside, has no offset in its middle.

        Args:
            most: How many.
        """
        end = self.start + most
        if self.kind == "snapshot" and self.base is not None:
            most = max(most, self.base[1])
            end = self.base[0] + most - self.base[1]
        elif self.kind != "append":
            return self
        if type(self.content) not in (str, list) or most >= len(self.content):
            return self
        part = self.content[:most]
        return Change(self.start, end, self.kind, part, "streaming", None, self.base)


class Log:
    """The content of one stream, for one writer and any number of readers in any thread.

    Attributes:
        offset: How much was written, as this module counts.
        status: ``streaming``, or how it ended.
        failure: Why it failed, if it did.
        cause: What Python readers raise then.
        writes: How many writes changed it.
        stalls: How often a write was long in coming, see ``settings.stall_after``.
        last_write: When its producer last wrote, in seconds of ``time.monotonic``.
        meter: What counts it while it is open; ``None`` for the mirror of another log.
        owner: The page whose quota it is counted in while it is open; ``None`` for no quota.
    """

    __slots__ = (
        "__weakref__",
        "_base",
        "_base_length",
        "_bytes",
        "_length",
        "_listeners",
        "_listening",
        "_lock",
        "_most",
        "_parts",
        "_patch_size",
        "_patches",
        "_patches_from",
        "_value",
        "cause",
        "failure",
        "last_write",
        "meter",
        "offset",
        "owner",
        "stalls",
        "status",
        "writes",
    )

    def __init__(self) -> None:
        """Start with no value at offset 0."""
        self.offset = 0
        self.status: Status = "streaming"
        self.failure: Failure | None = None
        self.cause: BaseException | None = None
        self._value: Any = UNSET  # unused while the value is text: that lives in _parts
        self._parts: list[str] | None = None
        self._length = 0
        self._base = 0  # since this offset there were only appends,
        self._base_length = 0  # and this long was the value then
        self._patches: deque[tuple[int, Patch]] | None = None
        self._patches_from = 0
        self._patch_size = 0
        self.writes = self.stalls = 0
        self.last_write = 0.0
        self.meter: Meter | None = None
        self.owner: str | None = None
        self._bytes = 0  # of all that was written: text as it is, else as JSON
        self._most: float = most_bytes()  # how many that may be before the value is too large
        self._listening: dict[Callable[[Log], None], None] = {}
        self._listeners: tuple[Callable[[Log], None], ...] = ()  # the same, to walk through
        # Reentrant: the garbage collector may end this log from within one of its methods.
        self._lock = threading.RLock()

    # -- writing ------------------------------------------------------------------------

    def append_text(self, text: str) -> None:
        """Add text to a text value; the caller has checked that it is one."""
        size = len(text) if text.isascii() else len(text.encode())
        with self._lock:
            if self.status != "streaming":
                self._check_open()
            self._bytes += size
            if self._bytes > self._most:
                self._refuse(size)
            self._add_text(text)
            self.offset += len(text)
            self.writes += 1
            if self.writes == 1:
                self._note_first_write()
        for listener in self._listeners:
            listener(self)

    def append_items(self, items: list[Any], size: int | None = None) -> None:
        """Add items to a list value; the caller has checked that it is one.

        Args:
            items: The items.
            size: Bytes that they add, where that has been counted.
        """
        size = bytes_of(items) - 1 if size is None else size
        with self._lock:
            self._check_open()
            self._bytes += size
            if self._bytes > self._most:
                self._refuse(size)
            self._value.extend(items)
            self._length += len(items)
            self.offset += len(items)
            self._count_write()
            if self._patches:
                self._remember([[], "+", copy_json(items)], self.offset)
        self._tell()

    def set(self, value: Any, size: int | None = None) -> None:
        """Replace the value.

        Args:
            value: The new one.
            size: Its bytes, where they have been counted.
        """
        size = bytes_of(value) if size is None else size
        with self._lock:
            self._check_open()
            self.offset += 1
            self._count_write()
            self._base = self.offset
            self._patches = None
            self._patch_size = 0
            self._store(value)
            if 0 < settings.frame_bytes < size:
                # As if it had been set empty and then appended to, so that a reader who has
                # its beginning is somewhere: it travels in pieces.
                self._base_length = 0
                self.offset += self._length
            self._bytes += size
            self._most = self._bytes - size + most_bytes()
        self._tell()

    def patch(self, patches: list[Patch], size: int | None = None) -> None:
        """Change a list or an object in place.

        Args:
            patches: The changes.
            size: Bytes of the value after them, where that has been counted.
        """
        with self._lock:
            self._check_open()
            self._count_write()
            if self._patches is None:
                self._patches = deque()
                self._patches_from = self.offset
            for patch in patches:
                self.offset += 1
                # A copy goes into the value: a later patch may change it in place there,
                # and a reader that is behind still needs this one as it was.
                mine = [*patch[:2], *map(copy_json, patch[2:])]
                self._value = apply_patch(self._value, mine)
                self._remember(patch, self.offset)
                self._bytes += bytes_of(patch)
            self._base = self.offset
            self._base_length = self._length = _length_of(self._value)
            if size is not None:
                self._most = self._bytes - size + most_bytes()
        self._tell()

    def end(
        self, status: Status, failure: Failure | None = None, cause: BaseException | None = None
    ) -> bool:
        """Close the stream, once.

        Returns:
            Whether this call closed it; False if it was closed before.
        """
        if status == "interrupted" and failure is None:
            failure = INTERRUPTED
        with self._lock:
            if self.status != "streaming":
                return False
            self.offset += 1
            self.status, self.failure, self.cause = status, failure, cause
            meter, self.meter = self.meter, None
            if self.owner is not None:
                open_streams.leave(self.owner)
        if meter is not None:
            meter.end(self)
        self._tell()
        return True

    def apply(self, change: Change) -> None:
        """Do what another log did, whose mirror this one is; nothing if it has been done.

        Args:
            change: What that log's :meth:`read` gave for this one's offset.

        Raises:
            ValueError: If the change begins somewhere else.
        """
        with self._lock:
            if self.status != "streaming" or change.offset <= self.offset:
                return
            if change.kind == "snapshot":
                self._store(copy_json(change.content))
                self._base, self._base_length = change.base or (change.offset, self._length)
                self._patches, self._patch_size = None, 0
            elif change.start != self.offset:
                raise ValueError(f"a change from {change.start} on, in a log at {self.offset}")
            else:
                self._apply_difference(change)
            self.offset = change.offset
            self.status, self.failure = change.status, change.failure
        self._tell()

    def _apply_difference(self, change: Change) -> None:
        if change.kind == "append" and isinstance(change.content, str):
            self._add_text(change.content)
        elif change.kind == "append":
            self._value.extend(copy_json(change.content))
            self._length += len(change.content)
            if self._patches:
                self._remember([[], "+", copy_json(change.content)], change.offset)
        elif change.kind == "patches":
            if self._patches is None:
                self._patches = deque()
                self._patches_from = self.offset
            for patch in change.content:
                mine = [*patch[:2], *map(copy_json, patch[2:])]
                self._value = apply_patch(self._value, mine)
                self._remember(patch, change.offset)
            self._base = change.offset
            self._base_length = self._length = _length_of(self._value)

    def _refuse(self, size: int) -> None:
        self._bytes -= size
        raise LimitError("value_bytes", settings.value_bytes)

    def _check_open(self) -> None:
        if self.status != "streaming":  # it ended in another thread, or while its source ran
            raise StreamClosedError(f"the stream is closed ({self.status})")

    def _store(self, value: Any) -> None:
        if isinstance(value, str):
            self._parts, self._value, self._length = [value], UNSET, len(value)
        else:
            self._parts, self._value = None, value
            self._length = _length_of(value)
        self._base_length = self._length

    def _add_text(self, text: str) -> None:
        parts = self._parts
        if parts is None:
            parts = self._parts = []
        parts.append(text)
        # Neighbours of like size are joined, as in a binary counter: few parts at any
        # time, and each character is copied no more than log2(parts) times.
        while len(parts) > 1 and len(parts[-2]) < 2 * len(parts[-1]):
            tail = parts.pop()
            parts[-1] += tail
        self._length += len(text)

    def _remember(self, patch: Patch, offset: int) -> None:
        assert self._patches is not None
        self._patches.append((offset, patch))
        self._patch_size += size_of(patch)
        while self._patch_size > settings.patch_log and len(self._patches) > 1:
            self._patches_from, dropped = self._patches.popleft()
            self._patch_size -= size_of(dropped)

    # -- reading ------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The value now; a copy, where it could be changed."""
        with self._lock:
            return copy_json(self._current())

    @property
    def own_value(self) -> Any:
        """The value itself, for its one writer, who must not change it."""
        return self._current()

    @property
    def is_text(self) -> bool:
        """Whether the value is text."""
        return self._parts is not None

    def _current(self) -> Any:
        parts = self._parts
        if parts is None:
            return self._value
        if len(parts) > 1:
            parts[:] = ["".join(parts)]
        return parts[0] if parts else ""

    def read(self, offset: int, most: int = sys.maxsize) -> Change:
        """Return everything that came after an offset.

        Args:
            offset: Where the reader is; one that this log cannot have given, or that it no
                longer reaches back to, gives a snapshot.
            most: Characters or items to return at once; the rest comes with the next reads. What
                cannot be cut comes whole.
        """
        with self._lock:
            now, status, failure = self.offset, self.status, self.failure
            if offset == now:
                return Change(offset, now, "nothing", UNSET, status, failure)
            if self._base <= offset < now:
                begin = self._base_length + offset - self._base
                if begin >= self._length:  # only the end is new
                    return Change(offset, now, "nothing", UNSET, status, failure)
                end = begin + most
                if end < self._length:
                    part = self._slice(begin, end)
                    return Change(offset, offset + most, "append", part, "streaming", None)
                part = self._slice(begin, self._length)
                return Change(offset, now, "append", part, status, failure)
            if self._patches and self._is_boundary(offset):
                patches = [patch for after, patch in self._patches if after > offset]
                return Change(offset, now, "patches", patches, status, failure)
            if self._parts is None and self._value is UNSET:
                return Change(offset, now, "nothing", UNSET, status, failure)
            base = (self._base, self._base_length)
            change = Change(offset, now, "snapshot", self._current(), status, failure, base)
            change = change.part(most)
            change.content = copy_json(change.content)
            return change

    def _is_boundary(self, offset: int) -> bool:
        # In a mirror, changes that came together have one offset: between them there is none.
        assert self._patches is not None
        return offset == self._patches_from or any(after == offset for after, _ in self._patches)

    def _slice(self, begin: int, end: int) -> str | list[Any]:
        if self._parts is None:
            return copy_json(self._value[begin:end])
        place = self._length  # from the end, where readers are
        pieces: list[str] = []
        for part in reversed(self._parts):
            place -= len(part)
            if place < end:
                pieces.append(part[max(begin - place, 0) : end - place])
            if place <= begin:
                break
        return "".join(reversed(pieces))

    @property
    def memory(self) -> int:
        """Bytes that the content takes, as Python counts them."""
        with self._lock:
            if self._parts is not None:
                return sum(map(sys.getsizeof, self._parts))
            return 0 if self._value is UNSET else size_of(self._value) + self._patch_size

    # -- counting -----------------------------------------------------------------------

    def count_from_here(self, meter: Meter) -> None:
        """Begin to count: what it holds already is no write."""
        self.meter = meter
        self._most -= self._bytes
        self.writes = self._bytes = 0

    def _count_write(self) -> None:
        self.writes += 1
        if self.writes == 1:
            self._note_first_write()

    def _note_first_write(self) -> None:
        if self.meter is not None:
            self.meter.first_write = self.last_write

    def count_stall(self, now: float) -> None:
        """Take note that nothing was written for too long, unless that is known.

        Args:
            now: Seconds of ``time.monotonic``.
        """
        with self._lock:
            if self.stalled(now):
                self.stalls += 1
                self.last_write = now

    def stalled(self, now: float) -> bool:
        """Return whether it has had no write for longer than ``settings.stall_after``."""
        return 0 < settings.stall_after < now - self.last_write

    def count_bytes(self) -> int:
        """Return the UTF-8 bytes of all that was written: text as it is, else as JSON."""
        return self._bytes

    # -- listening ----------------------------------------------------------------------

    def listen(self, listener: Callable[[Log], None]) -> None:
        """Call a function after every write, in the writer's thread; it must not block."""
        with self._lock:
            self._listening[listener] = None
            self._list_listeners()

    def unlisten(self, listener: Callable[[Log], None]) -> None:
        """Stop calling a function."""
        with self._lock:
            self._listening.pop(listener, None)
            self._list_listeners()

    def _list_listeners(self) -> None:
        # A list first, which is made in one go. A tuple may have Python collect garbage in the
        # middle, and that may end this log, so that somebody stops listening.
        listeners = [*self._listening]
        self._listeners = tuple(listeners)
        if len(listeners) != len(self._listening):
            self._list_listeners()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener(self)


def _length_of(value: Any) -> int:
    return len(cast("list[Any]", value)) if isinstance(value, list) else 0
