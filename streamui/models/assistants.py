"""A run of an Assistants thread: it goes on when its stream is closed, until it is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any, Self
from urllib.parse import quote

from streamui.models.background import cancelling
from streamui.models.body import client_of, run_of

_HEADERS = {"OpenAI-Beta": "assistants=v2"}
_ENDS = frozenset(
    f"thread.run.{status}"
    for status in ("requires_action", "completed", "incomplete", "failed", "cancelled", "expired")
)


class AssistantRun:
    """The run that a stream is of; what :class:`~streamui.models.background.Background` is to one.

    Its stream cannot be had again. Nor may anything be said in its thread while it goes on: so
    it is cancelled whenever its stream is left before its end, by an error, too.

    Args:
        client: The ``openai`` client it was made with, blocking or async.
        thread_id: The thread's; ``""`` as long as it is not known.
        id: The run's, likewise.
    """

    after: int | None = None

    def __init__(self, client: Any, thread_id: str, id: str) -> None:
        self._client = client
        self.thread_id = thread_id
        self.id = id
        self.ended = False
        self.renewable = not id
        """Whether the stream began it, so that another run can be begun in its place."""

    @classmethod
    def of(cls, stream: object) -> Self | None:
        """Look whether a stream is a run's.

        Args:
            stream: What the SDK returned, or anything else.

        Returns:
            The run, or ``None``.
        """
        run = run_of(stream)
        client = client_of(stream) if run is not None else None
        return cls(client, *run) if run is not None and client is not None else None

    def advance(self, item: Any) -> bool:
        """Note which run it is, and whether it has ended.

        Args:
            item: An event of it.

        Returns:
            That it is new.
        """
        name, data = getattr(item, "event", None), getattr(item, "data", None)
        if name in _ENDS:
            self.ended = True
        if not self.id and isinstance(name, str) and name.startswith("thread.run."):
            # A step has ids of its own beside those of its run.
            id = getattr(data, "run_id", None) or getattr(data, "id", None)
            thread = getattr(data, "thread_id", None)
            if isinstance(id, str) and isinstance(thread, str):
                self.id, self.thread_id = id, thread
        return True

    def leave(self, settled: bool) -> asyncio.Task[None] | None:
        """Have the provider stop it, unless it has ended.

        Args:
            settled: Whether its events have come to an end, a failure perhaps.

        Returns:
            A task that ends when it has, or when it was tried for long enough; it never fails.
        """
        return None if self.ended or not self.id else cancel_run(self._client, *self.ids)

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of the thread and of the run."""
        return self.thread_id, self.id


def cancel_run(client: Any, thread_id: str, id: str) -> asyncio.Task[None]:
    """Have the provider stop a run.

    Args:
        client: An ``openai`` client, blocking or async.
        thread_id: The thread's id.
        id: The run's id.

    Returns:
        A task that ends when it has, or when it was tried for long enough; it never fails.
    """
    path = f"{_runs(thread_id)}/{quote(id, safe='')}/cancel"

    # Not by the SDK's own method, which is deprecated with all of the API and says so each time.
    def cancel(_: str, timeout: float) -> Any:
        return client.post(path, cast_to=object, options=_options(timeout))

    return cancelling(client, cancel, id)


def cancel_newest_run(client: Any, thread_id: str) -> asyncio.Task[None]:
    """Have the provider stop the run that was begun last, whose id nobody has been told.

    Args:
        client: An async ``openai`` client.
        thread_id: The thread's id.

    Returns:
        As of :func:`cancel_run`.
    """

    async def cancel(_: str, **limits: float) -> None:
        options: Any = {**_options(**limits), "params": {"limit": 1, "order": "desc"}}
        newest: Any = await client.get(_runs(thread_id), cast_to=object, options=options)
        for run in newest["data"][:1]:
            if run["status"] in ("queued", "in_progress", "requires_action"):
                await cancel_run(client, thread_id, run["id"])

    return cancelling(client, cancel, thread_id)


def _runs(thread_id: str) -> str:
    return f"/threads/{quote(thread_id, safe='')}/runs"


def _options(timeout: float) -> Any:
    return {"headers": _HEADERS, "timeout": timeout}
