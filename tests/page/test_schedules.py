"""Server and page against each other, under random schedules that a seed repeats exactly.

The server side is the real thing down to the encoded frame, the page side the real store, run by
Node. Between them the schedule delays, drops, reconnects, reloads, hides and lets messages cross.
Whatever happens, the page ends with what the server has, and has heard its end.
"""

import asyncio
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from reflex_base.utils.format import json_dumps

from streamui.page import link, registration
from streamui.page.frames import Pages
from streamui.page.wire import LOST
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.log import UNSET
from streamui.streamable.value import StreamableValue
from tests.page.sockets import Socket

pytestmark = pytest.mark.slow

DRIVER = Path(__file__).parent.parent / "js" / "page_driver.mjs"
PIECES = ["a", "hello ", "é", "😀", "\ud83d", "\ude00", "世", "\n", "x" * 70]
STARTS: list[Any] = ["", [], {}, "x" * 100]


@pytest.fixture(scope="module")
def node_page(node):
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


class World:
    """One page, its server, and the wire between them."""

    def __init__(self, seed: int, page, monkeypatch):
        self.random = random.Random(seed)
        self.page = page
        self.pages, self.socket = Pages(), Socket()
        self.values: list[StreamableValue[Any]] = []
        self.sid = ""
        self.connections = 0
        self.down: list[tuple[str, Any]] = []
        self.up: list[Any] = []
        self.socket.on_frame = lambda sid, frame: (
            sid == self.sid and self.down.append(("frame", frame))
        )
        link.use_socket(self.socket)
        monkeypatch.setattr(registration, "pages", self.pages)
        page("load")

    def write_handles(self, values, token=None, hydrating=False):
        """Write handles as Reflex does in a delta, or when a page connects."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(link, "current_token", lambda: token)
            patch.setattr(link, "hydrating", lambda: hydrating)
            return json.loads(json_dumps(values))

    def connect(self):
        self.connections += 1
        self.sid = f"s{self.connections}"
        self.socket.connect(sid=self.sid)
        self.down, self.up = [("show", self.write_handles(self.values, "token", True))], []
        self.down.append(("resume", None))

    def drop(self):
        self.sid = ""
        self.socket.disconnect()
        self.down, self.up = [], []

    def show(self, value):
        if self.sid:
            self.down.append(("show", self.write_handles([value], "token")))

    def deliver_down(self):
        if self.down:
            # The hello is an effect of the page: frames may come in before it.
            at = 1 if self.down[0][0] == "resume" and len(self.down) > 1 else 0
            at = at if self.random.random() < 0.5 else 0
            command, argument = self.down.pop(at)
            self.up += self.page(command, argument)["requests"]

    def deliver_up(self):
        if self.up:
            said = self.up.pop(0)
            found = {name: store.find(name) or LOST for name in said["streams"]}
            self.pages.hello("token", said["streams"], found, said.get("held", []))

    def make(self):
        empty = self.random.random() < 0.2
        value = StreamableValue() if empty else StreamableValue(self.random.choice(STARTS))
        self.values.append(value)
        self.show(value)

    def write(self):
        value, choose = self.random.choice(self.values[-3:]), self.random.choice
        if value.closed:
            return
        end = choose([*["go on"] * 12, "done", "done", "cancel", "error"])
        if end != "go on":
            getattr(value, end)(*(["No."] if end == "error" else []))
            return
        now = value.value
        if isinstance(now, str):
            choose([lambda: value.append(choose(PIECES)), lambda: value.update(now + "Z")])()
            if self.random.random() < 0.05:
                value.update(choose(STARTS))
        elif isinstance(now, list):
            value.append([self.random.randint(0, 99)] * self.random.randint(0, 3))
            value.append({"t": "a", "__proto__": {"x": [1]}})
            changed = value.value
            changed[self.random.randrange(len(changed))] = {"t": "b"}
            value.update(choose([changed, changed[:-1], now]))
        elif isinstance(now, dict):
            now[choose("abc")] = choose(["t", 1, [1], {"z": "q"}])
            value.update({**now, "text": now.get("text", "") + "w😀"})
        else:
            value.update(choose(STARTS))

    async def step(self):
        moves = [
            (6, self.make), (44, self.write if self.values else self.make),
            (10, lambda: self.values and self.show(self.random.choice(self.values))),
            (20, self.deliver_down), (10, self.deliver_up),
            (3, self.drop if self.sid else self.connect), (1, self.reload), (1, self.want),
            (6, self.hide), (6, lambda: self.page("back")), (12, lambda: self.page("tidy")),
        ]  # fmt: skip
        weights, choices = zip(*moves, strict=True)
        self.random.choices(choices, weights)[0]()
        for _ in range(self.random.choice([0, 0, 0, 1, 3])):
            await asyncio.sleep(0)

    def reload(self):
        if self.sid:
            self.page("load")
            self.connect()

    def want(self):
        if self.sid:
            self.up += self.page("want")["requests"]

    def hide(self):
        some = self.random.sample(self.values, len(self.values) // 2)
        self.page("hide", [value.id for value in some])

    async def settle(self):
        if not self.sid:
            self.connect()
        self.page("tidy")
        self.page("back")
        for value in self.values:
            if value.streaming and self.random.random() < 0.5:
                value.done()
        quiet = 0  # rounds without a frame, and without a tick that rests: then nothing waits
        while quiet < 20:
            before = len(self.socket.frames)
            for _ in range(6):
                await asyncio.sleep(0)
            waits = len(self.socket.frames) > before or bool(self.pages._waiting)
            quiet = 0 if waits else quiet + 1
            while self.down or self.up:
                self.deliver_down()
                self.deliver_up()
            self.want()


@pytest.mark.parametrize("frame_bytes", [40, 262_144])  # the first cuts almost everything
@pytest.mark.parametrize("first", range(0, 200, 50))
async def test_the_page_ends_with_what_the_server_has(first, frame_bytes, node_page, monkeypatch):
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    monkeypatch.setattr(settings, "patch_log", 200)
    monkeypatch.setattr(settings, "frame_bytes", frame_bytes)
    for seed in range(first, first + 50):
        world = World(seed, node_page, monkeypatch)
        world.connect()
        for _ in range(120):
            await world.step()
        await world.settle()
        shown = node_page("read", [value.id for value in world.values])["answer"]
        for value, (text, status) in zip(world.values, shown, strict=True):
            if status is None:
                continue  # its handle came complete: no component ever followed it
            has = value.log.value
            assert (text, status) == (None if has is UNSET else has, value.status), f"seed {seed}"
        for value in world.values:
            value.cancel()
    link.use_socket(None)
