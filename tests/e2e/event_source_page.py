"""The page of test_event_source.py: a foreign stream in each of the ways to read one."""

import asyncio

import reflex as rx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

import streamui as ui


class Reading(rx.State):
    url: str = ""
    shown: bool = True
    seen: list[str] = []
    calls: int = 0
    batched: list[str] = []
    price: str = ""
    opened: int = 0
    errors: list[str] = []

    @rx.event
    def note(self, message: dict[str, str]):
        self.seen.append(f"{message['event']}|{message['id']}|{message['data']}")

    @rx.event
    def note_all(self, messages: list[dict[str, str]]):
        self.calls += 1
        self.batched += [message["data"] for message in messages]

    @rx.event
    def set_price(self, message: dict[str, str]):
        self.price = message["data"]

    @rx.event
    def count_open(self):
        self.opened += 1

    @rx.event
    def fail(self, error: dict):
        self.errors.append(f"{error['code']} {error['closed']}")

    @rx.event
    def go(self, form: dict):
        self.url = form["url"]

    @rx.event
    def toggle(self):
        self.shown = not self.shown


def report():
    return rx.fragment(
        rx.text(Reading.seen.join(","), id="seen"),
        rx.text(Reading.price, id="price"),
        rx.text(Reading.calls, id="calls"),
        rx.text(Reading.batched.length(), id="count"),
        rx.text(Reading.batched.join(" "), id="batched"),
        rx.text(Reading.opened, id="opened"),
        rx.text(Reading.errors.join(","), id="errors"),
    )


def controls():
    return rx.form(
        rx.input(name="url", default_value=""),
        rx.button("go", type="submit"),
        rx.button("toggle", type="button", on_click=Reading.toggle),
        on_submit=Reading.go,
    )


def index():
    reading = ui.event_source(
        Reading.url,
        on_message=Reading.note,
        on_open=Reading.count_open,
        on_error=Reading.fail,
        events={"price": Reading.set_price},
    )
    return rx.container(
        controls(), rx.box(rx.cond(Reading.shown, reading, rx.fragment()), id="here"), report()
    )


def fast():
    reading = ui.event_source(
        Reading.url,
        on_messages=Reading.note_all,
        on_error=Reading.fail,
        events=["token", "error"],
    )
    return rx.container(controls(), reading, report())


def own():
    return rx.container(ui.event_source("/own", on_message=Reading.note), report())


async def own_stream(request: Request):
    async def events():
        yield f"id: 9\ndata: after {request.headers.get('last-event-id', 'nothing')}\n\n"
        await asyncio.sleep(3600)

    return StreamingResponse(events(), media_type="text/event-stream")


app = rx.App(api_transformer=Starlette(routes=[Route("/own", own_stream)]))
app.add_page(index)
app.add_page(fast, route="/fast")
app.add_page(own, route="/own-stream")
