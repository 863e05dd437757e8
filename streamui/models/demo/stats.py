"""What happened to the demo server's answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the server was started.

    Attributes:
        requests: Answers asked for, streamed or not.
        open: Streams being written now.
        finished: Streams written to their end, a steered error being an end too.
        disconnected_by_client: Streams that the client left before that.
        resumed: Streams of background responses that were asked for again.
        cancelled: Background responses that were cancelled while they were written.
        cut_by_server: Streams whose connection the server cut, as it was told to.
        connections: TCP connections that are open, idle ones included.
    """

    requests: int = 0
    open: int = 0
    finished: int = 0
    disconnected_by_client: int = 0
    cut_by_server: int = 0
    resumed: int = 0
    cancelled: int = 0
    connections: int = 0
