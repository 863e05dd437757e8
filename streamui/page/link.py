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

from engineio.exceptions import EngineIOError
from engineio.packet import PING, Packet
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

_ANSWER = 1.0  # seconds until a page that says nothing is not there
_HYDRATES = ("hydrate", "hydrate_and_load")
_namespace: Any = None
_asking: dict[str, asyncio.Task[bool]] = {}


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


def token_manager() -> Any:
    """Return what knows which page is connected where."""
    return _socket()._token_manager


def _connection(sid: str) -> Any:
    socket = _socket()
    transport = socket.server.manager.eio_sid_from_sid(sid, socket.namespace)
    return socket.server.eio.sockets.get(transport)


def queued(sid: str) -> int:
    """Return how many packets wait to be written to a page's socket.

    Args:
        sid: The page's socket session.
    """
    connection = _connection(sid)
    return connection.queue.qsize() if connection is not None else 0


async def answers(sid: str) -> bool:
    """Ask a page whether it is there; return whether anything comes from it within a second.

    Args:
        sid: The page's socket session.
    """
    asking = _asking.get(sid)
    if asking is None:
        asking = _asking[sid] = asyncio.create_task(_ask(sid), name="streamui-ask-page")
        asking.add_done_callback(lambda _: _asking.pop(sid))
    return await asyncio.shield(asking)


async def _ask(sid: str) -> bool:
    connection = _connection(sid)
    if connection is None or connection.closing or connection.closed:
        return False
    heard, receive = asyncio.Event(), connection.receive

    async def hear(packet: Any) -> None:
        heard.set()
        await receive(packet)

    connection.receive = hear
    try:
        async with asyncio.timeout(_ANSWER):
            await connection.send(Packet(PING))
            await heard.wait()
    except (TimeoutError, EngineIOError):
        return False
    finally:
        connection.receive = receive
    return True


async def hang_up(sid: str) -> None:
    """Close a page's socket without waiting for the page; one that is there connects again.

    Args:
        sid: The page's socket session.
    """
    connection = _connection(sid)
    if connection is not None:
        await connection.close(wait=False, abort=True)
        # That is what the server knows. The page must hear it, too, or it talks to nobody until
        # it misses a ping: so the writer is ended, which closes what it writes to.
        connection.queue.put_nowait(None)


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


def told_by_app() -> bool:
    """Return whether the app has a handler of its own for what events raise."""
    from reflex.app import default_backend_exception_handler as reflexs  # not before it is there

    socket = _socket()
    return socket is not None and socket.app.backend_exception_handler is not reflexs


async def whole_state(state: Any) -> Any:
    """Return the root of a page's states with all of them; Redis gives a handler its own only.

    Args:
        state: The proxy that a background handler has as ``self``, inside of ``async with``.
    """
    root = state._get_root_state()
    waiting = [type(root)]
    while waiting:
        kind = waiting.pop()
        await root.get_state(kind)
        waiting.extend(kind.get_substates())
    return root


async def settle(state: Any) -> None:
    """Have a state saved again, although no variable of it was assigned.

    Streamables change without the state's knowing; once they have ended they are values, which
    a state manager that keeps states on disk or in Redis must have.

    Args:
        state: The proxy that a background handler has as ``self``.
    """
    async with state:
        state.__wrapped__._was_touched = True
