"""What a store does."""

from __future__ import annotations

from typing import Protocol

from streamui.streamable.log import Log


class Store(Protocol):
    """Finds a stream's content by its id, so that any reader can start at any offset."""

    def add(self, name: str, log: Log) -> None:
        """Make a stream known; harmless if it is.

        Args:
            name: The stream's id.
            log: Its content. It stays known for ``settings.retain`` seconds after its end.
        """
        ...

    def get(self, name: str) -> Log:
        """Return a stream's content.

        Args:
            name: A stream's id, from wherever it came.

        Raises:
            StreamNotFoundError: If it is unknown or has expired; which of them is not said.
        """
        ...

    @property
    def memory(self) -> int:
        """Bytes of content that it holds."""
        ...
