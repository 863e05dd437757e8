"""The page of test_streaming.py: every way to show a streamable, every way to make one."""

import asyncio
import collections
import dataclasses
import time

import reflex as rx

import streamui as ui

steps = collections.defaultdict(lambda: asyncio.Semaphore(0))
"""How many words a tab's producers may still write: the test sets the pace with a button."""


@dataclasses.dataclass
class Message:
    number: int
    text: ui.StreamableValue[str]


class Stage(rx.State):
    text: ui.StreamableValue[str] = ui.StreamableValue("nothing yet").done()
    rows: ui.StreamableValue[list[str]] = ui.StreamableValue([]).done()
    messages: list[Message] = []
    held: dict = {}
    note: str = ""
    hidden: bool = False
    clicks: int = 0

    @rx.event
    def click(self):
        self.clicks += 1

    @ui.server_function
    async def stream(self, count: int):
        text, rows = ui.StreamableValue(""), ui.StreamableValue([])
        async with self:
            self.text, self.rows = text, rows
        for number in range(count):
            await steps[self.router.session.client_token].acquire()
            text.append(f"w{number} ")
            rows.append(f"row {number}")
            yield

    @ui.server_function
    async def quick(self, count: int):
        text = ui.StreamableValue("")
        async with self:
            self.text = text
        for number in range(count):
            text.append(f"q{number} ")
            yield

    @ui.server_function
    async def fail(self):
        text = ui.StreamableValue("part")
        async with self:
            self.text = text
        yield
        raise ValueError("password=hunter2")

    @ui.server_function
    async def fail_at_once(self):
        raise ValueError("password=hunter2")

    @ui.server_function(time_limit=0.05)
    async def slow(self):
        text = ui.StreamableValue("part")
        async with self:
            self.text = text
        await asyncio.Event().wait()

    @ui.server_function(supersedes=True)
    async def latest(self, name: str):
        text = ui.StreamableValue(name)
        async with self:
            self.text = text
            self.messages.append(Message(len(self.messages), text))
        await asyncio.Event().wait()

    @ui.server_function
    async def events(self):
        yield Stage.click
        yield [Stage.click, rx.set_value("typed", "set by the server")]
        async with self:
            self.note = "inside"
            yield

    @rx.event
    async def plain(self):
        self.text = ui.StreamableValue("")
        yield
        for number in range(5):
            await steps["plain"].acquire()
            self.text.append(f"p{number} ")
            yield
        self.text.done()

    @rx.event
    def blocking(self):
        self.text = ui.StreamableValue("")
        yield
        for number in range(40):
            time.sleep(0.02)  # a producer that blocks, as a synchronous client does
            self.text.append(f"b{number} ")
            yield
        self.text.done()

    @rx.event
    def many(self):
        self.messages = [
            Message(number, ui.StreamableValue(f"message {number} " * 10).done())
            for number in range(199)
        ]

    @ui.server_function
    async def one_more(self):
        text = ui.StreamableValue("")
        async with self:
            self.messages.append(Message(len(self.messages), text))
        for number in range(40):
            await steps[self.router.session.client_token].acquire()
            text.append(f"m{number} ")
            yield

    @ui.server_function
    async def crowd(self):
        """Stream more than a page keeps of what it does not show."""
        async with self:
            self.messages = [
                Message(number, ui.StreamableValue(f"message {number} " * 10))
                for number in range(250)
            ]

    @rx.event
    def hide(self):
        self.hidden = not self.hidden

    @rx.event
    def guess(self):
        self.held = {"$stream": self.router.url.query_parameters.get("id", "")}

    @rx.event
    def share(self):
        """Give this page the stream of another one: this app lets whoever knows the id."""
        name = self.router.url.query_parameters.get("id", "")
        self.text = ui.StreamableValue.from_handle({"$stream": name})

    @rx.event(background=True)
    async def go(self, count: int, name: str = ""):
        for _ in range(count):
            steps[name or self.router.session.client_token].release()

    @rx.var
    def stream_id(self) -> str:
        return self.text.id


@rx.memo
def card(answer: rx.Var[ui.StreamableValue[str]]) -> rx.Component:
    return rx.text(answer.value, " is ", answer.status, id="card")


def controls():
    return rx.hstack(
        rx.button("stream", on_click=Stage.stream(60)),
        rx.button("quick", on_click=Stage.quick(3000)),
        rx.button("fail", on_click=Stage.fail),
        rx.button("fail at once", on_click=Stage.fail_at_once),
        rx.button("slow", on_click=Stage.slow),
        rx.button("first", on_click=Stage.latest("first")),
        rx.button("second", on_click=Stage.latest("second")),
        rx.button("events", on_click=Stage.events),
        rx.button("plain", on_click=Stage.plain),
        rx.button("blocking", on_click=Stage.blocking),
        rx.button("many", on_click=Stage.many),
        rx.button("crowd", on_click=Stage.crowd),
        rx.button("hide", on_click=Stage.hide),
        rx.button("one more", on_click=Stage.one_more),
        rx.button("go 1", on_click=Stage.go(1, "")),
        rx.button("go 10", on_click=Stage.go(10, "")),
        rx.button("go 100", on_click=Stage.go(100, "")),
        rx.button("go plain 1", on_click=Stage.go(1, "plain")),
        rx.button("go plain 4", on_click=Stage.go(4, "plain")),
        rx.button("click", on_click=Stage.click),
        rx.button("stop", on_click=ui.stop(Stage.stream)),
        wrap="wrap",
    )


def index():
    return rx.vstack(
        controls(),
        rx.input(id="typed"),
        rx.text(Stage.clicks, id="clicks"),
        rx.text(Stage.note, id="note"),
        ui.text(Stage.text, id="text"),
        ui.status(Stage.text, id="status"),
        rx.badge(Stage.text.value, id="badge"),
        rx.text(f"{Stage.text.value.length()} characters, {Stage.text.status}", id="format"),
        rx.cond(Stage.text.streaming, rx.text("busy", id="cond"), rx.text("idle", id="cond")),
        rx.match(
            Stage.text.status,
            ("streaming", rx.text("S", id="match")),
            ("done", rx.text("D", id="match")),
            rx.text("other", id="match"),
        ),
        rx.text(Stage.text.error, id="error"),
        rx.text(Stage.text.error_code, id="code"),
        card(answer=Stage.text),
        rx.box(rx.foreach(Stage.rows.value, lambda row: rx.text(row)), id="rows"),
        rx.link("other page", href="/other"),
        rx.text(Stage.stream_id, id="stream-id"),
    )


def other():
    return rx.vstack(ui.text(Stage.text, id="text"), rx.link("first page", href="/"))


def watch():
    return rx.vstack(ui.text(Stage.held, id="text"), ui.status(Stage.held, id="status"))


def messages():
    def message(m):
        return rx.box(ui.text(m.text, id=f"m{m.number}"), class_name="message")

    return rx.vstack(
        controls(), rx.cond(Stage.hidden, rx.fragment(), rx.foreach(Stage.messages, message))
    )


app = rx.App()
app.add_page(index)
app.add_page(other, route="/other")
app.add_page(watch, route="/watch", on_load=Stage.guess)
app.add_page(other, route="/shared", on_load=Stage.share)
app.add_page(messages, route="/messages")
