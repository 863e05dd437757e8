"""Every dial of streamui, in one place; each can be set by an environment variable."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from typing import Any, cast


@dataclass(slots=True)
class Settings:
    """What can be tuned; change the fields of :data:`settings` before the app starts.

    A field ``name`` can also be given as the environment variable ``STREAMUI_NAME``.

    Attributes:
        frame_interval: Seconds between two frames to one page while it streams. The first
            op after a pause never waits.
        open_warning: Seconds without a write after which a streamable that nobody closes is
            warned about; 0 is never. Streamables of a running server function are exempt.
        retain: Seconds a stream stays readable by its id after its end.
        retain_bytes: Bytes of ended streams that are kept in memory for that; the oldest go first,
            0 is no limit.
        message_limit: Characters that one message of a person may have.
        stop_grace: Seconds that a stopped server function may take to clean up before its
            streamables are closed over its head.
        drain: Seconds that server functions have to end by themselves when their process is asked
            to end; those that take longer are interrupted. In development none: a change shows
            at once.
        leave_grace: Seconds that a page may be gone before a run that ends with its page is
            stopped; long enough for a reload.
        queue_limit: Packets that may wait in a page's socket before its frames are held back.
        models: Models by the names that this app calls them, see :func:`streamui.models`; as an
            environment variable, JSON.
        model_retries: Times that a model is asked again when it fails before its first token.
        retry_after_limit: Seconds that a model may ask to be left alone for and be waited for;
            one that wants more is an error at once. The SDK waits 120 at most.
        connect_timeout: Seconds to connect to a model; 0 is no limit, here and in the next two.
        first_token_timeout: Seconds that a model may be silent before its first token.
        token_timeout: Seconds that it may be silent after that.
        tool_timeout: Seconds that a model's tool may run which has no ``timeout`` of its own; 0
            is no limit.
        tool_output: Characters of a tool's result that the model is given; the rest is cut off, and
            it is told so.
        stall_after: Seconds without a write after which an open stream counts as stalled in the
            metrics; 0 is never.
        lease: Seconds after which a process that shows no sign of life counts as dead, and half as
            much again; then its open streams end as interrupted for all readers.
        store_patience: Seconds that Redis may leave a question unanswered, or refuse a write
            because it is full, until that is an error.
        store_log: Bytes of changes that Redis keeps of a stream until its value is written whole,
            once it is no more than half as long.
        patch_log: Bytes of recent changes that a structured value keeps for readers that are
            behind; one that is further behind gets the whole value.
        streams_per_page: Streams that a page may have made and not ended, and as many that it may
            follow; 0 is no limit, here and in the next.
        streams_open: Streams that may be open in this process.
        runs_per_page: Server functions that may be under way for a page, those that wait included;
            0 is no limit, here and in the next.
        runs_open: Server functions that may be under way in this process.
        run_limit: Seconds that a server function may take which has no ``time_limit`` of its own;
            0 is no limit, here and in the next.
        idle_limit: Seconds without a write, a yield or a turn after which a server function, or
            a stream that belongs to none, ends with a ``timeout`` error.
        connections_per_client: Streams that one client may read at once over HTTP; 0 is no limit,
            here and in the next.
        connections: Streams that may be read at once over HTTP from this process.
        value_bytes: Bytes that one value may have: text as UTF-8, anything else as JSON; 0 is no
            limit, here and in the next.
        object_bytes: Bytes, as JSON, of what is sent in one piece: an object, one item of a list,
            a list that is changed inside.
        frame_bytes: Bytes, as JSON, of what is sent to a page in one frame; larger text and lists
            go in pieces, 0 is always whole.
        event_limit: Bytes that one event of an event stream read from elsewhere may have.
        reconnect_attempts: How often in a row a reader of a URL connects without getting an
            event before it gives up.
        reconnect_delay: Seconds before the first of these attempts, unless the server asks for
            more; they double from one to the next.
        reconnect_limit: Seconds that a reader waits at most between two attempts.
        heartbeat: Seconds of silence after which a response sends a sign of life, so that no
            proxy takes a stream for dead.
        send_timeout: Seconds that a client may take nothing of what is sent to it before its
            response is closed; it can come back for the rest.
        client_retry: Seconds that a client of an event stream is told to wait before it
            connects again.
    """

    frame_interval: float = 0.033
    open_warning: float = 60.0
    retain: float = 600.0
    retain_bytes: int = 268_435_456
    message_limit: int = 100_000
    stop_grace: float = 2.0
    drain: float = 5.0
    leave_grace: float = 30.0
    queue_limit: int = 1
    models: dict[str, Any] = field(default_factory=dict[str, Any])
    model_retries: int = 2
    retry_after_limit: float = 120.0
    connect_timeout: float = 5.0
    first_token_timeout: float = 300.0
    token_timeout: float = 120.0
    tool_timeout: float = 60.0
    tool_output: int = 20_000
    stall_after: float = 5.0
    lease: float = 8.0
    store_patience: float = 5.0
    store_log: int = 65_536
    patch_log: int = 4096
    streams_per_page: int = 500
    streams_open: int = 20_000
    runs_per_page: int = 100
    runs_open: int = 5_000
    run_limit: float = 600.0
    idle_limit: float = 0.0
    connections_per_client: int = 100
    connections: int = 10_000
    value_bytes: int = 16_777_216
    object_bytes: int = 1_048_576
    frame_bytes: int = 262_144
    event_limit: int = 16_777_216
    reconnect_attempts: int = 5
    reconnect_delay: float = 0.5
    reconnect_limit: float = 120.0
    heartbeat: float = 15.0
    send_timeout: float = 30.0
    client_retry: float = 2.0

    @classmethod
    def from_environment(cls, environment: dict[str, str] | None = None) -> Settings:
        """Read the settings that the environment names.

        Args:
            environment: The variables to look at; the process's own by default.

        Returns:
            Settings with the defaults for everything not named.

        Raises:
            ValueError: If a variable is not a number of zero or more, or not JSON where it is to
                be; it is named.
        """
        variables = dict(os.environ) if environment is None else environment
        chosen = cls()
        for each in fields(cls):
            name = f"STREAMUI_{each.name.upper()}"
            if (text := variables.get(name)) is None:
                continue
            if not isinstance(each.default, int | float):
                setattr(chosen, each.name, _read_object(name, text))
                continue
            number = int if each.type == "int" else float
            try:
                value = number(text)
            except ValueError:
                value = -1
            if not value >= 0:
                raise ValueError(f"{name} must be a number of zero or more, not {text!r}")
            setattr(chosen, each.name, value)
        return chosen


def _read_object(name: str, text: str) -> dict[str, Any]:
    try:
        given: Any = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ValueError(f"{name} must be a JSON object")  # and not repeated: it may have a secret
    return cast("dict[str, Any]", given)


settings = Settings.from_environment()
"""The settings in force."""
