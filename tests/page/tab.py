"""A page and its server, message by message: the test says what arrives and what is lost.

The server side is the real thing from the page's hello to the encoded frame, the page side the
real store, run by Node. Only the socket between them is the test's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import reflex as rx
from reflex_base.utils.format import json_dumps

from streamui.page import connection, frames, link, registration
from streamui.page.connection import StreamConnection
from streamui.streamable.value import StreamableValue
from tests.page.sockets import Socket

DRIVER = Path(__file__).parent.parent / "js" / "page_driver.mjs"
Call = Callable[..., Any]


@contextlib.contextmanager
def node_page(node: str) -> Iterator[Call]:
    """The page store in a process of its own; gives what calls its commands."""
    with subprocess.Popen(
        [node, DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def call(command: str, argument: Any = None) -> Any:
            stdin.write(json.dumps([command, argument]) + "\n")
            return json.loads(stdout.readline())

        yield call
        stdin.close()


class Asking:
    """The state that a page's events arrive at, as Reflex makes one for each page."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def _get_root_state(self) -> Any:
        return self._root

    async def __aenter__(self) -> Asking:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class Tab:
    """One browser tab."""

    def __init__(self, call: Call, monkeypatch: pytest.MonkeyPatch, token: str = "tab") -> None:
        self.call, self.token = call, token
        self.monkeypatch = monkeypatch
        self.socket = Socket()
        self.socket.on_frame = lambda sid, frame: (
            sid == self.sid and self.under_way.append(("frame", frame))
        )
        self.sid = ""
        self.connections = 0
        self.under_way: list[tuple[str, Any]] = []
        """What the server has sent, and the page has not got yet."""
        self.ops: list[Any] = []
        """What has arrived on this connection."""
        self.values: list[StreamableValue[Any]] = []
        root: Any = rx.State
        self._asking: Any = Asking(root(_reflex_internal_init=True))
        link.use_socket(self.socket)
        pages = frames.Pages()
        for module in (registration, connection):
            monkeypatch.setattr(module, "pages", pages)
        call("load")

    async def show(self, *values: StreamableValue[Any]) -> None:
        """Put streams into the page's state, as a handler does."""
        self.values.extend(values)
        self.under_way.append(("show", self.written(list(values))))
        await self.turns()

    def written(self, values: list[Any], *, hydrating: bool = False) -> Any:
        """Write values as Reflex does in a delta, or when a page connects."""
        with self._speaking(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(link, "hydrating", lambda: hydrating)
            return json.loads(json_dumps(values))

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(link, "current_token", lambda: self.token)
            yield

    @contextlib.contextmanager
    def another(self, token: str) -> Iterator[None]:
        """Speak for another page of the same server; its socket's name is its token."""
        self.socket.connect(token, token)
        own, self.token = self.token, token
        try:
            yield
        finally:
            self.token = own

    def sent(self, sid: str) -> list[Any]:
        """All ops that the server has sent to a socket."""
        return [op for to, frame in self.socket.frames for op in frame.values() if to == sid]

    def drop(self) -> None:
        """Cut the connection: what is under way is lost, and the server notices."""
        self.sid = ""
        self.socket.disconnect(self.token)
        self.under_way.clear()

    async def connect(self) -> None:
        """Connect, as Reflex does: the state with its handles, then the page's hello."""
        self.connections += 1
        self.sid = f"s{self.connections}"
        self.socket.connect(self.token, self.sid)
        self.ops = []
        self.call("show", self.written(self.values, hydrating=True))
        for said in self.call("resume")["requests"]:
            await self.say("hello", streams=said["streams"], held=said.get("held"))
        await self.turns()

    async def reload(self) -> None:
        """Come again as a page that knows nothing."""
        if self.sid:
            self.drop()
        self.call("load")
        await self.connect()

    async def say(self, event: str, **arguments: Any) -> None:
        """Send an event to the page's connection on the server."""
        with self._speaking():
            await getattr(StreamConnection, event).fn(self._asking, **arguments)

    async def turns(self) -> None:
        """Give the server time to send what it has."""
        quiet = 0
        while quiet < 10:
            before = len(self.socket.frames)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self.socket.frames) == before else 0

    async def receive(self) -> None:
        """Let everything arrive that is under way, and what that brings about."""
        await self.turns()
        while self.under_way:
            command, argument = self.under_way.pop(0)
            if command == "frame":
                self.ops.extend(argument.values())
            for said in self.call(command, argument)["requests"]:
                await self.say("hello", streams=said["streams"])
            await self.turns()

    def shown(self, value: StreamableValue[Any]) -> tuple[Any, str]:
        """What the page shows of a stream now."""
        return self.history(value)[-1]

    def history(self, value: StreamableValue[Any]) -> list[tuple[Any, str]]:
        """All that it has drawn of a stream, in order."""
        return [tuple(each) for each in self.call("history", value.id)["answer"]]

    @property
    def text(self) -> str:
        """The text that arrived on this connection, if nothing but text did."""
        return "".join(op if isinstance(op, str) else op.get("a", "") for op in self.ops)

    async def close(self) -> None:
        """End the streams, and let the server hear that the page is gone."""
        for value in self.values:
            value.cancel()
        self.sid = ""
        self.socket = Socket()  # where nobody is connected
        link.use_socket(self.socket)
        await self.turns()
        link.use_socket(None)
