"""The form of what ``stats()`` tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class StreamNow:
    """One stream that is open.

    Attributes:
        number: Counts this process's streamables. It is no id: nobody can read the stream with
            it; :func:`stop_open` stops it.
        function: The server function that owns it; empty if none does.
        made_at: File and line of the code that made it.
        status: ``streaming``, or ``waiting`` while its run waits for its turn.
        stalled: Whether nothing was written for ``settings.stall_after`` seconds.
        age: Seconds since it was made.
        idle: Seconds since it was last written to.
        first_chunk: Seconds from its making to its first write; ``None`` before that.
        chunks: How many writes changed it.
        bytes: UTF-8 bytes of what was written: text as it is, anything else as JSON.
        chunks_per_second: Over its whole age.
        bytes_per_second: Over its whole age.
    """

    number: int
    function: str
    made_at: str
    status: Literal["streaming", "waiting"]
    stalled: bool
    age: float
    idle: float
    first_chunk: float | None
    chunks: int
    bytes: int
    chunks_per_second: float
    bytes_per_second: float


@dataclass(frozen=True, slots=True)
class Times:
    """How times are spread.

    Attributes:
        count: How many there are.
        mean: Seconds on average; ``None`` if there is none.
        median: Seconds, as near as the buckets of the metrics tell.
        p95: Seconds under which 95 of 100 are, as near as the buckets tell.
    """

    count: int
    mean: float | None
    median: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class StreamStats:
    """The streams of one function, or all.

    Attributes:
        started: Streams that were begun: written to, or handed to somebody.
        open: Those that have not ended.
        ends: How many ended, by status.
        errors: How many failed or were interrupted, by code.
        chunks: Writes that changed one.
        bytes: UTF-8 bytes of what was written.
        stalls: How often nothing was written for ``settings.stall_after`` seconds.
        first_chunk: Times from making to first write.
        duration: Times from making to end.
    """

    started: int
    open: int
    ends: dict[str, int]
    errors: dict[str, int]
    chunks: int
    bytes: int
    stalls: int
    first_chunk: Times
    duration: Times


@dataclass(frozen=True, slots=True)
class RunStats:
    """The runs of one server function, or of all.

    Attributes:
        started: Calls that were begun.
        running: Calls that run.
        waiting: Calls that wait for their turn.
        ends: How many ended, by status.
        errors: How many failed, by code.
        duration: Times from beginning to end.
    """

    started: int
    running: int
    waiting: int
    ends: dict[str, int]
    errors: dict[str, int]
    duration: Times


@dataclass(frozen=True, slots=True)
class FunctionStats:
    """One server function.

    Attributes:
        streams: The streams that it made.
        runs: Its calls.
    """

    streams: StreamStats
    runs: RunStats


@dataclass(frozen=True, slots=True)
class PageStats:
    """What goes to pages.

    Attributes:
        connected: Pages that are connected to this process.
        frames: Frames that were sent to pages.
        bytes: UTF-8 bytes of their JSON, without what the socket puts around it.
    """

    connected: int
    frames: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ModelStats:
    """Calls to one model, or to all, that were read with ``model_events``.

    Attributes:
        ended: Calls that have ended.
        errors: How many of those failed or were ``cancelled``, by code.
        input_tokens: Tokens of the requests, as far as the providers said.
        output_tokens: Tokens of the answers.
        retries: How often one was asked again, or its stream resumed.
        first_chunk: Times until the first output.
        duration: Times until the end of the answer.
    """

    ended: int
    errors: dict[str, int]
    input_tokens: int
    output_tokens: int
    retries: int
    first_chunk: Times
    duration: Times


@dataclass(frozen=True, slots=True)
class Stats:
    """What this process streams now, and has streamed since it started.

    It is JSON by way of ``dataclasses.asdict``.

    Attributes:
        time: When this was, in seconds of ``time.time``.
        uptime: Seconds since this process began to count.
        streams: All streams.
        runs: All calls of server functions.
        functions: Both, by server function; streams that none made are under ``""``.
        models: Calls to models, by the model that answered.
        calls: Calls to models that are under way.
        pages: What goes to pages.
        connections: Clients that read a stream over HTTP.
        refused: How often something was one too many, by the setting that says how many.
        memory: Bytes of content that are held for readers, open streams and ended ones.
        open: The streams that are open, oldest first, up to a limit.
    """

    time: float
    uptime: float
    streams: StreamStats
    runs: RunStats
    functions: dict[str, FunctionStats]
    models: dict[str, ModelStats]
    calls: int
    pages: PageStats
    connections: int
    refused: dict[str, int]
    memory: int
    open: list[StreamNow]
