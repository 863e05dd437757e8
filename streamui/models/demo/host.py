"""The demo model's server, in a thread of this process."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import socket
import threading
from dataclasses import replace
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from streamui.models.demo.answer import answer
from streamui.models.demo.delivery import TRANSPORT, Ledger
from streamui.models.demo.routes import app
from streamui.models.demo.service import Brain, Service
from streamui.models.demo.stats import Stats

_PATIENCE = 10.0
"""Seconds to wait for the thread to start or to end."""


class DemoServer:
    """The demo model on a loopback address.

    Args:
        port: Where to listen; ``0`` takes any that is free.
        brain: What answers, in place of the demo's own.
    """

    def __init__(self, port: int = 0, brain: Brain = answer) -> None:
        self._ledger = Ledger()
        # The protocol is named, because asyncio switches Nagle's delay off only where it is.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(512)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app(Service(self._ledger, brain)),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._run, name="streamui demo model", daemon=True)

    @property
    def base_url(self) -> str:
        """The address for a client's ``base_url``."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start to answer.

        Raises:
            RuntimeError: It did not start.
        """
        self._thread.start()
        if not self._server.listening.wait(_PATIENCE):
            raise RuntimeError("the demo model's server did not start")

    def stop(self) -> None:
        """Cut every connection and end the thread; any number of times."""
        self._server.leave()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)
        self._socket.close()

    def join(self) -> None:
        """Wait until it is stopped."""
        self._thread.join()

    def alive(self) -> bool:
        """Say whether it answers."""
        return self._thread.is_alive()

    def stats(self) -> Stats:
        """Count what has happened so far."""
        open_now = len(self._server.server_state.connections)
        return replace(self._ledger.stats, connections=open_now)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Nobody waits for the rest of a demo's answer.
        for connection in list(self.server_state.connections):
            transport: Any = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        await super().shutdown(sockets)

    def leave(self) -> None:
        self.should_exit = True


class _Protocol(H11Protocol):
    """Gives each request its transport, so that the connection can be cut."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = logging.getLogger("streamui.models.demo")
        inner: Any = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[TRANSPORT] = self.transport
            await inner(scope, receive, send)

        self.app = app


_lock = threading.Lock()
_server: DemoServer | None = None
_owner = 0


def server() -> DemoServer:
    """Get this process's demo server, started at the first call.

    Returns:
        The server, ready to answer.
    """
    global _server, _owner
    with _lock:
        # A forked child has its parent's object but not its thread.
        if _server is None or _owner != os.getpid() or not _server.alive():
            _server = DemoServer()
            _server.start()
            _owner = os.getpid()
            atexit.register(_server.stop)
        return _server


def stop() -> None:
    """Stop this process's demo server, if it runs; the next call of :func:`server` starts anew."""
    global _server
    with _lock:
        running, _server = _server, None
        if running is not None and _owner == os.getpid():
            atexit.unregister(running.stop)
            running.stop()
