"""The content of a stream that another process makes."""

from __future__ import annotations

from typing import Any

from streamui.streamable.log import Change, Log


class Mirror(Log):
    """A log that does what another process's log does; only :meth:`Log.apply` writes to it."""

    __slots__ = ()

    def seed(self, value: Any, offset: int, base: tuple[int, int] | None) -> None:
        """Start from what was saved of the stream; nothing if more than that is here already.

        Args:
            value: Its value then.
            offset: Its offset then.
            base: As in :class:`Change`.
        """
        self.apply(Change(0, offset, "snapshot", value, "streaming", None, base))
