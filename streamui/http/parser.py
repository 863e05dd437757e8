"""The event stream format: bytes in, events out (WHATWG HTML 9.2.5 and 9.2.6).

Why not ``httpx-sse`` or ``httpx2.EventSource``: docs/reading-streams.md has what they do with the
web platform tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from streamui.errors import ProtocolError
from streamui.http.event import ServerSentEvent
from streamui.settings import settings

_BOM = b"\xef\xbb\xbf"
_PIECE = 65_536
"""Bytes that are looked at in one go: events of a huge chunk come out while it is read."""
_RETRY_DIGITS = 15
"""More digits than these are 30,000 years as well."""


class EventStreamParser:
    """Takes the bytes of one event stream in any pieces, and gives its events.

    How the bytes are cut makes no difference, within a character or a line end either. Each byte
    is looked at once. A block that was not finished by an empty line when the bytes end is no
    event.

    Args:
        last_event_id: The id after which this stream goes on, if it is the rest of another.
        limit: The most bytes of one event; by default ``settings.event_limit``.

    Attributes:
        last_event_id: The last id that the server has given; events keep it until a new one.
        retry: Milliseconds that the server wants a reader to wait before it connects again;
            ``None`` if it has not said.

    Example::

        parser = EventStreamParser()
        for chunk in chunks:
            for event in parser.feed(chunk):
                print(event.data)
    """

    def __init__(self, last_event_id: str = "", *, limit: int | None = None) -> None:
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self._limit = settings.event_limit if limit is None else limit
        self._line = bytearray()
        self._first = True  # the first line may begin with a byte order mark
        self._after_cr = False  # a line feed would belong to the line end before it
        self._size = 0  # bytes of this block's lines
        self._data = bytearray()
        self._event = ""
        self._id = last_event_id
        self._retry: int | None = None

    @property
    def incomplete(self) -> bool:
        """Whether the bytes so far end within an event, which is lost if no more follow."""
        line = self._line.removeprefix(_BOM) if self._first else self._line
        return self._size > 0 or (len(line) > 0 and not line.startswith(b":"))

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Take the next bytes.

        Args:
            chunk: Any number of bytes, as they came.

        Yields:
            The events that are complete with them. Exhaust it before the next call.

        Raises:
            ProtocolError: If an event is longer than the limit. The parser is of no use then.
        """
        for start in range(0, len(chunk), _PIECE):
            # Of bytes, this splits at CR, LF and CRLF and nowhere else.
            for line in chunk[start : start + _PIECE].splitlines(keepends=True):
                event = self._take(line)
                if event is not None:
                    yield event

    def _take(self, piece: bytes) -> ServerSentEvent | None:
        """Take a line, or a part of one."""
        after_cr, self._after_cr = self._after_cr, piece.endswith(b"\r")
        if after_cr and piece == b"\n":
            return None
        text = piece.rstrip(b"\r\n")
        self._line += text
        if self._size + len(self._line) > self._limit:
            raise ProtocolError(
                f"an event has more than {self._limit} bytes; STREAMUI_EVENT_LIMIT sets the limit"
            )
        if len(text) == len(piece):
            return None  # the line goes on
        line = bytes(self._line)
        self._line.clear()
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        self._read(line)
        return None

    def _read(self, line: bytes) -> None:
        """Take one whole line."""
        name, _, value = line.partition(b":")
        if not name:
            return  # a comment, which keeps the connection alive
        self._size += len(line)
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data += value
            self._data += b"\n"
        elif name == b"event":
            self._event = _text(value)
        elif name == b"id":
            if b"\0" not in value:
                self._id = _text(value)
        elif name == b"retry" and value.isdigit():
            digits = value.lstrip(b"0")[:_RETRY_DIGITS]
            self.retry = self._retry = int(digits or b"0")

    def _dispatch(self) -> ServerSentEvent | None:
        """End the block."""
        self.last_event_id = self._id
        event = None
        if self._data:
            data = _text(self._data[:-1])
            event = ServerSentEvent(data, self._event or "message", self._id, self._retry)
        self._data.clear()
        self._event, self._retry, self._size = "", None, 0
        return event


def _text(value: bytes | bytearray) -> str:
    # Always UTF-8, whatever the response says; a line end is never within a character, so line by
    # line gives what the whole would give.
    return value.decode("utf-8", "replace")
