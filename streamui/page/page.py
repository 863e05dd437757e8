"""One page: what it has got so far of which streams."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING

from streamui.errors import LimitError
from streamui.page.pieces import Room
from streamui.page.questions import MOST, Questions
from streamui.page.wire import Op, encode, lost
from streamui.settings import settings
from streamui.streamable.failure import Failure
from streamui.streamable.log import Log

if TYPE_CHECKING:
    from streamui.page.frames import Pages

TOO_MANY = Failure(LimitError.code, LimitError.sentence)
"""Of a stream that is one more than a page may follow."""

receiving: contextvars.ContextVar[Page | None] = contextvars.ContextVar(
    "streamui_receiving", default=None
)
"""The page whose frame is being written, so that handles in it are given to it."""


class Cursor:
    """Where one page is in one stream."""

    __slots__ = ("alias", "began", "log", "name", "new", "offset", "page", "waiting")

    def __init__(self, page: Page, name: str, log: Log, offset: int, alias: str) -> None:
        self.page, self.name, self.log = page, name, log
        self.began = self.offset = offset
        self.alias = alias
        self.new = True  # the page does not know the alias yet
        self.waiting = False

    def wake(self, _: Log) -> None:
        """Take note that there is something to send; called in the writer's thread."""
        if not self.waiting:
            self.page.wake(self)


class Page:
    """One connection of one browser tab.

    Args:
        pages: What it belongs to.
        token: Reflex's client token.
        sid: The socket session; a reconnect is another page, which says where it is.
    """

    def __init__(self, pages: Pages, token: str, sid: str) -> None:
        self.pages, self.token, self.sid = pages, token, sid
        self.due = 0.0
        self.questions = Questions()
        self.held: dict[str, None] = {}  # ended streams whose value it has, oldest first
        self._cursors: dict[str, Cursor] = {}
        self._waiting: dict[Cursor, None] = {}
        self._lost: dict[str, Op] = {}  # what it cannot have, and why
        self._aliases = 0

    def follow(self, name: str, log: Log, offset: int = 0) -> None:
        """Send it a stream from an offset on; harmless if it gets it already.

        Args:
            name: The stream's id.
            log: Its content.
            offset: What the page has, as it says.
        """
        if name in self._cursors:
            return
        if 0 < settings.streams_per_page <= len(self._cursors):
            self._refuse(name, TOO_MANY)
            return
        self._aliases += 1
        cursor = Cursor(self, name, log, offset, str(self._aliases))
        self._cursors[name] = cursor
        self._lost.pop(name, None)
        log.listen(cursor.wake)
        cursor.wake(log)

    def hold(self, name: str) -> None:
        """Take note that it has the value of an ended stream.

        Args:
            name: The stream's id.
        """
        self.held[name] = None
        if len(self.held) > MOST:
            del self.held[next(iter(self.held))]

    def resume(self, name: str, offset: int, content: Log | Failure) -> None:
        """Begin a stream again where the page says it is.

        Args:
            name: An id that the page sent; it may be any string.
            offset: The offset that it sent with it.
            content: The stream's content, or why the page cannot have it.
        """
        cursor = self._cursors.get(name)
        if cursor is not None and not cursor.new and cursor.began <= offset:
            return  # what it lacks is on its way: the question has crossed the answer
        if cursor is not None:
            del self._cursors[name]
            self._close(cursor)
        if isinstance(content, Failure):
            self._refuse(name, content)
            return
        self.held.pop(name, None)
        self.follow(name, content, offset)

    def _refuse(self, name: str, failure: Failure) -> None:
        if len(self._lost) < MOST:  # a page that reads nothing may go on asking
            self._lost[name] = lost(name, failure)
            self.pages.wake(self)

    def wake(self, cursor: Cursor) -> None:
        """Take note that a stream has something for it."""
        if self.pages.in_loop():
            cursor.waiting = True
            self._waiting[cursor] = None
            self.pages.wake(self)
        else:
            self.pages.call_in_loop(self._wake_from_thread, cursor)

    def _wake_from_thread(self, cursor: Cursor) -> None:
        if not cursor.waiting and self._cursors.get(cursor.name) is cursor:
            self.wake(cursor)

    def frame(self) -> dict[str, Op]:
        """Return what it has not got yet, as much as fits in a frame, and count it as sent."""
        frame: dict[str, Op] = {}
        for op in self._lost.values():
            self._aliases += 1
            frame[str(self._aliases)] = op
        self._lost.clear()
        # Whatever wakes while this runs (the garbage collector ends streams, too) comes next time.
        pending, self._waiting = self._waiting, {}
        room, later, begun = Room(), list[Cursor](), list[Cursor]()
        for cursor in pending:
            cursor.waiting = False
            change = None if room.full else room.take(cursor.log, cursor.offset)
            if change is None:
                later.append(cursor)
                continue
            if change.offset == cursor.offset and not cursor.new:
                continue
            if change.offset < cursor.log.offset:
                begun.append(cursor)
            frame[cursor.alias] = encode(change, cursor.name if cursor.new else None)
            cursor.offset, cursor.new = change.offset, False
            if change.status != "streaming":
                self.hold(cursor.name)
                self._cursors.pop(cursor.name, None)
                self._close(cursor)
        for cursor in (*later, *begun):  # who got nothing is first next time
            if self._cursors.get(cursor.name) is cursor:
                self.wake(cursor)
        return frame

    def give_up(self, alias: str) -> None:
        """Send nothing more of a stream that cannot be written."""
        for cursor in [each for each in self._cursors.values() if each.alias == alias]:
            self._cursors.pop(cursor.name)
            self._close(cursor)

    def leave(self) -> None:
        """Let go of everything: the connection is gone."""
        for cursor in self._cursors.values():
            self._close(cursor)
        self._cursors.clear()
        self._waiting.clear()

    def _close(self, cursor: Cursor) -> None:
        cursor.log.unlisten(cursor.wake)
        self._waiting.pop(cursor, None)

    @property
    def following(self) -> int:
        """How many streams it gets."""
        return len(self._cursors)
