"""Event streams that others send: one is read by the page itself, one in Python."""

import asyncio
import time

import reflex as rx
from starlette.applications import Starlette
from starlette.routing import Route

import streamui as ui


class Reading(rx.State):
    seconds: str = ""
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @rx.event
    def tick(self, message: dict[str, str]):
        self.seconds = message["data"]

    @ui.server_function(supersedes=True)
    async def ask(self):
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
        # A URL or any response will do. This is the model's own, before anybody has read it.
        response = ui.default_client().chat.completions.with_streaming_response.create(
            model=ui.default_model(),
            messages=[{"role": "user", "content": "Write 60 words about rivers"}],
            stream=True,
        )
        async for event in ui.consume_event_stream(response):
            for choice in event.json()["choices"]:
                answer.append(choice["delta"].get("content") or "")
            yield


def index():
    return rx.container(
        ui.event_source("/clock", on_message=Reading.tick),
        rx.text(f"The clock says {Reading.seconds}"),
        rx.button("Ask", on_click=Reading.ask),
        ui.text(Reading.answer),
    )


async def clock(request):
    async def ticks():
        while True:
            yield ui.ServerSentEvent(time.strftime("%H:%M:%S"))
            await asyncio.sleep(1)

    return ui.sse_response(ticks())


app = rx.App(api_transformer=Starlette(routes=[Route("/clock", clock)]))
app.add_page(index)
