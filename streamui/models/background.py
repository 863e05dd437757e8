"""A background response: the provider writes on when its stream breaks, until it is cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Self

from streamui.models.body import client_of, retrieved_id, starts_after
from streamui.models.failures import caused
from streamui.settings import settings

logger = logging.getLogger("streamui")

_PATIENCE = 10.0
"""Seconds to try to cancel a response."""

_cancelling: set[asyncio.Task[None]] = set()


class Background:
    """One background response, and how much of it has been read.

    Args:
        client: The ``openai`` client it was made with, blocking or async.
        id: The response's.
        after: The sequence number of the last event that was read; ``None`` before the first.
    """

    def __init__(self, client: Any, id: str, after: int | None = None) -> None:
        self._client = client
        self.id = id
        self.after = after

    @classmethod
    def of(cls, stream: object, first: Any) -> Self | None:
        """Look whether a stream is a background response's.

        Args:
            stream: What the SDK returned, or anything else.
            first: The first item of it.

        Returns:
            The response, or ``None``: the stream's end is the answer's.
        """
        client = client_of(stream)
        if client is None:
            return None
        id = retrieved_id(stream)
        if id is not None:
            return cls(client, id, starts_after(stream))
        response = getattr(first, "response", None)
        id = getattr(response, "id", None)
        if getattr(response, "background", None) is not True or not isinstance(id, str):
            return None
        return cls(client, id)

    def advance(self, item: Any) -> bool:
        """Note how far the response has been read.

        Args:
            item: An event of it.

        Returns:
            Whether it is new: what was read before is not to be told again.
        """
        number = getattr(item, "sequence_number", None)
        if not isinstance(number, int):
            return True
        if self.after is not None and number <= self.after:
            return False
        self.after = number
        return True

    def open(self) -> Any:
        """Ask for the rest of it; blocks when the client does."""
        return self._client.responses.retrieve(self.id, stream=True, starting_after=self.after)

    def leave(self, settled: bool) -> asyncio.Task[None] | None:
        """Have the provider stop it, unless somebody may come back for it.

        Args:
            settled: Whether its events have come to an end: of the answer, by a failure, or
                because whoever read them will go on later.

        Returns:
            A task that ends when it has, or when it was tried for long enough; it never fails.
        """
        return None if settled else cancelling(self._client, self._client.responses.cancel, self.id)


def cancelling(client: Any, cancel: Callable[..., Any], id: str) -> asyncio.Task[None]:
    """Have a provider stop something, in a task that outlives who asks for it.

    Args:
        client: The ``openai`` client, blocking or async.
        cancel: What to call with the id and a ``timeout`` in seconds.
        id: What to stop.

    Returns:
        A task that ends when it has, or when it was tried for long enough; it never fails.
    """
    task = asyncio.create_task(_cancel(client, cancel, id), name="streamui cancels a response")
    _cancelling.add(task)
    task.add_done_callback(_cancelling.discard)
    return task


async def _cancel(client: Any, cancel: Callable[..., Any], id: str) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            if hasattr(client, "__aenter__"):
                await cancel(id, timeout=_PATIENCE)
            else:
                await asyncio.to_thread(cancel, id, timeout=_PATIENCE)
    except Exception as error:  # any: nobody is left who could do anything about it
        logger.warning("%s could not be cancelled: %s", id, caused(error, "failed"))


async def wait_for_cancels() -> None:
    """Wait for the responses that this loop is cancelling now; for its shutdown."""
    loop = asyncio.get_running_loop()
    mine = [task for task in _cancelling if task.get_loop() is loop]
    if mine:
        await asyncio.wait(mine, timeout=settings.stop_grace)
