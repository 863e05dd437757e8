"""How much of what is new goes into one frame."""

from __future__ import annotations

import sys
from json.encoder import encode_basestring

from streamui.settings import settings
from streamui.streamable.log import Change, Log
from streamui.streamable.patch import bytes_of


class Room:
    """What is left of a frame's ``settings.frame_bytes``."""

    __slots__ = ("_left", "_whole")

    def __init__(self) -> None:
        self._left = self._whole = settings.frame_bytes or sys.maxsize

    @property
    def full(self) -> bool:
        """Whether nothing more fits in."""
        return self._left <= 0

    def take(self, log: Log, offset: int) -> Change | None:
        """Return as much of a stream's news as fits in; the rest comes with later frames.

        Args:
            log: The stream's content.
            offset: What the page has of it.

        Returns:
            What fits; ``None`` if it cannot be cut and needs a frame of its own.
        """
        change = log.read(offset, self._left)
        size = _size(change)
        while size > self._left:
            most = max(1, len(change.content) * self._left // size)
            smaller = change.part(most)
            if smaller is change:
                break
            change, size = smaller, _size(smaller)
        if size > self._left and self._left < self._whole:
            return None
        self._left -= size
        return change


def _size(change: Change) -> int:
    """Return the bytes of a change's content as JSON."""
    if change.kind == "nothing":
        return 0
    content = change.content
    return bytes_of(encode_basestring(content) if isinstance(content, str) else content)
