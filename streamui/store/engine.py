"""What an engine does: it lets the processes of an app share their streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from streamui.streamable.log import Log

Order = Mapping[str, Any]
"""Something that every process is told, such as ``{"stop": "…"}``; JSON."""


class Engine(Protocol):
    """What a store needs to know of the other processes; without one, there are none."""

    def start(self) -> None:
        """Begin to listen, in the running event loop; harmless twice."""
        ...

    def publish(self, name: str, log: Log) -> None:
        """Write a stream of this process where others can read it, and all that comes to it.

        Never blocks and never raises: what cannot be written now is written later, merged.

        Args:
            name: The stream's id.
            log: Its content.
        """
        ...

    def mirror(self, name: str) -> Log:
        """Return a log that does what a stream of another process does.

        It is given at once and fills soon. One that nobody has ends as ``interrupted``.

        Args:
            name: The stream's id.
        """
        ...

    async def fetch(self, name: str) -> Log | None:
        """Return the mirror of a stream once it holds what there is; ``None`` if nobody has it.

        Args:
            name: The stream's id, from wherever it came.

        Raises:
            StoreUnavailableError: If that cannot be found out now.
        """
        ...

    def grant(self, name: str, reader: str) -> None:
        """Let a reader read and stop a stream, whichever process it asks; never blocks."""
        ...

    async def granted(self, name: str, reader: str) -> bool:
        """Return whether a reader was let read a stream by any process."""
        ...

    async def send(self, order: Order) -> None:
        """Tell every other process something; each hears it once.

        Args:
            order: What :meth:`listen` gives there.
        """
        ...

    def send_soon(self, order: Order) -> None:
        """Do the same in the background; never blocks and never raises."""
        ...

    def listen(self, hear: Callable[[Order], None]) -> None:
        """Call a function with each order that another process sends."""
        ...

    async def close(self) -> None:
        """Write what is left to write, and let go of every connection and task."""
        ...
