"""Reflex's socket, seen from here: which page runs now, and how a frame gets to it.

Every use of Reflex's event context, app and socket server is in this file. Verified with
Reflex 0.10.1; ``tests/page/test_seams.py`` fails when one of them moves.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Mapping
from typing import Any

from reflex.istate.proxy import StateProxy
from reflex.state import State
from reflex.utils import prerequisites
from reflex_base.event.context import EventContext
from reflex_base.utils.format import format_event_handler

from streamui.page.wire import frame_bytes
from streamui.server.metrics import pages as counted

logger = logging.getLogger("streamui")

CHANNEL = "streamui"
"""The name under which frames arrive in the page, beside the names of its substates."""

_HYDRATES = ("hydrate", "hydrate_and_load")
_namespace: Any = None


def _socket() -> Any:
    """Return the app's socket namespace; ``None`` where no app runs."""
    global _namespace
    if _namespace is None:
        try:
            _namespace = prerequisites.get_and_validate_app().app.event_namespace
        except Exception:  # no app module, or one that is just being imported: no page either
            logger.debug("no running app", exc_info=True)
    return _namespace


def use_socket(namespace: Any) -> None:
    """Use this socket namespace instead of the running app's; for tests."""
    global _namespace
    _namespace = namespace


def current_token() -> str | None:
    """Return the client token of the page whose event is being handled; ``None`` outside."""
    try:
        return EventContext.get().token or None
    except LookupError:
        return None


def hydrating() -> bool:
    """Return whether a page is being given its whole state, because it has just connected.

    Then it knows best which streams it has, and from where on it needs them.
    """
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    _, _, event = (task.get_name() if task is not None else "").partition("|")
    return event.partition("|")[0] in _hydrate_events()


@functools.cache
def _hydrate_events() -> frozenset[str]:
    handlers = State.event_handlers
    return frozenset(format_event_handler(handlers[name]) for name in _HYDRATES)


def connection_of(token: str) -> str | None:
    """Return the socket session of a page, if it is connected to this process.

    Args:
        token: The page's client token.
    """
    socket = _socket()
    if socket is None:
        return None
    record = socket._token_manager.token_to_socket.get(token)
    if record is None or record.instance_id != socket._token_manager.instance_id:
        return None
    return record.sid


def connected() -> int:
    """Return how many pages are connected to this process."""
    socket = _socket()
    if socket is None:
        return 0
    here = socket._token_manager.instance_id
    records = list(socket._token_manager.token_to_socket.values())
    return sum(record.instance_id == here for record in records)


counted.connected = connected


def queued(sid: str) -> int:
    """Return how many packets wait to be written to a page's socket.

    Args:
        sid: The page's socket session.
    """
    socket = _socket()
    transport = socket.server.manager.eio_sid_from_sid(sid, socket.namespace)
    connection = socket.server.eio.sockets.get(transport)
    return connection.queue.qsize() if connection is not None else 0


async def send_frame(sid: str, frame: Mapping[str, Any]) -> None:
    """Put a frame into a page's socket; it needs no state lock.

    Args:
        sid: The page's socket session.
        frame: See :mod:`streamui.page.wire`.
    """
    await _socket().emit("event", {"delta": {CHANNEL: frame}}, to=sid)
    counted.frames += 1
    counted.bytes += frame_bytes(frame)


async def emit_events(state: Any, events: Any, handler_name: str) -> None:
    """Do what Reflex does with what a handler yields.

    Args:
        state: The state that the handler runs on.
        events: What it yielded.
        handler_name: For the message when that is no event.

    Raises:
        TypeError: If it yielded something that is no event.
    """
    # Whoever imports reflex.app first imports that module halfway before this one.
    from reflex_base.event.processor.base_state_processor import chain_updates

    locked = isinstance(state, StateProxy) and state._is_mutable()
    root = state.__wrapped__._get_root_state() if locked else None
    await chain_updates(events, handler_name=handler_name, root_state=root)


async def settle(state: Any) -> None:
    """Have a state saved again, although no variable of it was assigned.

    Streamables change without the state's knowing; once they have ended they are values, which
    a state manager that keeps states on disk or in Redis must have.

    Args:
        state: The proxy that a background handler has as ``self``.
    """
    async with state:
        state.__wrapped__._was_touched = True
