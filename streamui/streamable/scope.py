"""Whoever runs now, and what it has to close when it ends."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Scope(Protocol):
    """Something that owns what is opened while it runs, such as a run of a server function.

    One may have a ``label``, what the log and the metrics call it, and a ``page``, for which it
    runs.
    """

    def adopt(self, opened: object) -> bool:
        """Take charge of a streamable or of a provider's stream.

        Args:
            opened: A streamable that must get an end, or an object with an ``aclose()``
                coroutine that must be awaited, when this scope ends.

        Returns:
            Whether it did; a scope that has ended takes nothing.
        """
        ...

    def stop(self) -> None:
        """End what runs, as stopped by somebody; harmless if it has ended."""
        ...

    def release(self, opened: object) -> None:
        """Forget something that has closed by itself.

        Args:
            opened: What was adopted before.
        """
        ...


current_scope: ContextVar[Scope | None] = ContextVar("streamui_scope", default=None)
"""The scope of the code that runs now; ``None`` outside of any."""
