"""The app of test_sockets.py: a state that streams a text which its seed alone decides."""

import asyncio

import reflex as rx

import streamui as ui
from tests.faults.plan import pieces


class Stage(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def run(self, seed: int):
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
        for piece, pause in pieces(seed):
            answer.append(piece)
            yield
            await asyncio.sleep(pause)

    @rx.event
    def watch(self, name: str):
        self.answer = ui.StreamableValue.from_handle({"$stream": name})

    @rx.event
    def stop(self):
        return ui.stop(Stage.run)


app = rx.App(api_transformer=ui.routes())
app.add_page(rx.fragment(ui.text(Stage.answer)), route="/")
