"""What no page would send, on the page's own socket: the server and everybody else go on."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from streamui.testing.app_server import AppServer
from tests.server.websocket import WebSocket

ROOT = "reflex___state____state"
STAGE = f"{ROOT}.page___page____stage"
CONNECTION = f"{ROOT}.streamui___page___connection____stream_connection"
SOURCE = """
import asyncio
import reflex as rx
import streamui as ui

class Stage(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    calls: int = 0

    @ui.server_function
    async def ask(self, question: str):
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
            self.calls += 1
        if len(question) > ui.settings.message_limit:
            raise ui.TooLongError(f"a question of {len(question)} characters")
        for word in range(int(question)):
            answer.append(f"word {word} ")
            await asyncio.sleep(0.02)

app = rx.App()
app.add_page(rx.fragment(ui.text(Stage.answer)), route="/")
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    folder = tmp_path_factory.mktemp("sockets")
    AppServer.from_source(SOURCE, folder)
    with AppServer(folder, options=["--backend-only"]) as server:
        yield server


class Page:
    """A page, as far as its socket goes: what it has got, and where it goes on."""

    def __init__(self, server: AppServer, token: str) -> None:
        self.port = server.port
        self.path = f"/_event/?EIO=4&transport=websocket&token={token}"
        self.stream = ""
        self.has: dict[str, tuple[int, str, dict[str, Any]]] = {}
        self.vars: dict[str, Any] = {}

    async def connect(self) -> None:
        self.aliases: dict[str, str] = {}
        self.socket = await WebSocket.connect("127.0.0.1", self.port, self.path)
        opening = await self.socket.receive()
        assert opening is not None and opening[0] == "0"
        event = {"name": f"{ROOT}.hydrate", "payload": {}, "router_data": {"pathname": "/"}}
        await self.socket.send("40/_event," + json.dumps({"event": event}))
        self.hearing = asyncio.create_task(self.hear())
        if self.stream:
            await self.say(f"{CONNECTION}.hello", streams={self.stream: self.has[self.stream][0]})

    async def say(self, name: str, **payload: Any) -> None:
        event = {"name": name, "payload": payload, "router_data": {"pathname": "/"}}
        await self.socket.send("42/_event," + json.dumps(["event", event]))

    async def hear(self) -> None:
        while (packet := await self.socket.receive()) is not None:
            if packet == "2":
                await self.socket.send("3")
            elif packet.startswith("42/_event,"):
                name, update = json.loads(packet.partition(",")[2])
                if name == "event":
                    self.take(update.get("delta") or {})

    def take(self, delta: dict[str, Any]) -> None:
        for alias, each in delta.pop("streamui", {}).items():
            op: dict[str, Any] = {"a": each} if isinstance(each, str) else each
            name = self.aliases[alias] = op.get("i") or self.aliases[alias]
            offset, text, _ = self.has.get(name, (0, "", {}))
            if "v" in op:
                offset, text = op["o"], op["v"]
            elif "a" in op:
                assert op.get("f", offset) == offset
                offset, text = offset + len(op["a"]), text + op["a"]
            self.has[name] = offset, text, op
        for state in delta.values():
            self.vars.update(
                {name.removesuffix("_rx_state_"): value for name, value in state.items()}
            )

    async def ask(self, question: str) -> None:
        before = self.stream
        await self.say(f"{STAGE}.ask", question=question)
        await self.until(lambda: self.vars.get("answer", {}).get("$stream", before) != before)
        self.stream = self.vars["answer"]["$stream"]
        await self.until(lambda: self.stream in self.has)

    @property
    def text(self) -> str:
        return self.has[self.stream][1]

    @property
    def end(self) -> dict[str, Any]:
        op = self.has[self.stream][2]
        return op if "s" in op else {}

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(30):
            while not true():
                if self.hearing.done():
                    self.hearing.result()
                await asyncio.sleep(0.01)

    async def lost(self) -> None:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(30):
            await self.hearing

    async def leave(self) -> None:
        self.hearing.cancel()
        self.socket.abort()
        await asyncio.wait([self.hearing])


@pytest.fixture
async def pages(server: AppServer) -> Any:
    mine, other = Page(server, secrets.token_hex(8)), Page(server, secrets.token_hex(8))
    for page in (mine, other):
        await page.connect()
    yield mine, other
    for page in (mine, other):
        await page.leave()


def words(number: int) -> str:
    return "".join(f"word {word} " for word in range(number))


async def test_fault_48_a_prompt_over_the_limit_is_an_error_on_the_page(pages) -> None:
    mine, _ = pages
    await mine.ask("x" * 100_001)
    await mine.until(lambda: mine.end)
    assert (mine.end["s"], mine.end["e"]["code"]) == ("error", "too_long")
    assert mine.end["e"]["message"] == "That is too long to send."
    # On the same connection:
    await mine.ask("3")
    await mine.until(lambda: mine.end)
    assert (mine.text, mine.end["s"]) == (words(3), "done")


@pytest.mark.parametrize("size", [1_500_000, 30_000_000])
async def test_fault_48_a_message_past_every_limit_costs_a_connection_and_nothing_else(
    size, pages, server
) -> None:
    mine, other = pages
    await other.ask("60")
    await mine.ask("60")
    await mine.until(lambda: "word 5" in mine.text)
    with_text = len(mine.text)
    with suppress(OSError):  # the server may have had enough before all of it is sent
        await mine.say(f"{STAGE}.ask", question="x" * size)
    await mine.lost()
    await mine.connect()
    for page in (mine, other):
        await page.until(lambda page=page: page.end)
        assert (page.text, page.end["s"]) == (words(60), "done")
    assert with_text < len(mine.text)
    assert mine.vars["calls"] == 1  # what was too large was no call


DEEP, LESS_DEEP = "[" * 100_000 + "]" * 100_000, "[" * 300 + "]" * 300


def event(name: str, payload: str) -> str:
    return f'42/_event,["event",{{"name":"{name}","payload":{payload}}}]'


ODD = {
    "deep, before any event": f"4{DEEP}",
    "deep, as an event": f'42/_event,["event",{DEEP}]',
    "deep, in a call": event(f"{STAGE}.ask", f'{{"question":{DEEP}}}'),
    "deep, in a hello": event(f"{CONNECTION}.hello", f'{{"streams":{{"a":{DEEP}}}}}'),
    "less deep, in a hello": event(f"{CONNECTION}.hello", f'{{"streams":{{"a":{LESS_DEEP}}}}}'),
    "less deep, in a stop": event(f"{CONNECTION}.stop_runs", f'{{"name":{LESS_DEEP}}}'),
    "NaN in a hello": event(f"{CONNECTION}.hello", '{"streams":{"a":NaN,"b":-Infinity}}'),
    "NaN in a stop": event(f"{CONNECTION}.stop_runs", '{"name":NaN}'),
    "NaN as streams": event(f"{CONNECTION}.hello", '{"streams":NaN,"held":NaN}'),
    "not JSON": '42/_event,["event",{',
    "nothing": "",
    "no such packet": "9hello",
}


@pytest.mark.parametrize("name", ODD)
async def test_fault_49_odd_json_on_the_socket_is_refused_and_the_stream_goes_on(
    name, pages, server
) -> None:
    mine, other = pages
    await other.ask("40")
    await mine.ask("40")
    await mine.until(lambda: "word 3" in mine.text)
    await mine.socket.send(ODD[name])
    done = asyncio.create_task(mine.until(lambda: mine.end))
    await asyncio.wait([done, mine.hearing], return_when=asyncio.FIRST_COMPLETED)
    if not done.done():  # that cost the connection
        await mine.connect()
    await done
    await other.until(lambda: other.end)
    for page in (mine, other):
        assert (page.text, page.end["s"]) == (words(40), "done")
        assert page.vars["calls"] == 1
    assert server.process is not None and server.process.poll() is None
