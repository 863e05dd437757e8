"""Server-sent events: a route that sends them, and a page that listens with EventSource."""

import asyncio
import json

import reflex as rx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

import streamui as ui


async def updates(request: Request):
    """Send ten updates; a browser that comes back after a cut is sent those that it lacks."""
    last = request.headers.get("last-event-id", "")
    begin = int(last) if last.isdecimal() and len(last) < 4 else 0

    async def send():
        yield {"type": "connected"}
        for count in range(begin + 1, 11):
            await asyncio.sleep(0.5)
            update = json.dumps({"type": "update", "count": count})
            yield ui.ServerSentEvent(update, id=str(count))

    return ui.sse_response(send())  # says `event: done` at the end


server = Starlette(routes=[Route("/api/updates", updates)])


class Updates(rx.State):
    url: str = ""
    messages: list[str] = []
    lost: bool = False

    @rx.event
    def listen(self):
        self.url, self.messages, self.lost = "/api/updates", [], False

    @rx.event
    def close(self, message: dict[str, str] | None = None):
        self.url, self.lost = "", False

    @rx.event
    def show(self, message: dict[str, str]):
        self.lost = False
        if not message["id"]:
            self.messages = []  # the first of a new listener, such as a page after its reload
        self.messages = [*self.messages, message["data"][:200]][-20:]

    @rx.event
    def fail(self, error: dict):
        self.lost = self.url != ""  # after the end, a connection that is closed is none lost
        if error["closed"]:
            self.url = ""


def row(message: rx.Var[str]):
    return rx.code(message, variant="ghost", color_scheme="gray")


def page():
    listening = Updates.url != ""
    return rx.vstack(
        ui.event_source(
            Updates.url,
            on_message=Updates.show,
            on_error=Updates.fail,
            events={"done": Updates.close},
        ),
        ui.scroller(rx.foreach(Updates.messages, row), label="Messages"),
        rx.hstack(
            rx.cond(Updates.lost, rx.text("The connection was lost.", role="alert")),
            rx.button("Listen", on_click=Updates.listen, disabled=listening),
            rx.button("Close", variant="soft", on_click=Updates.close(), disabled=~listening),
        ),
    )
