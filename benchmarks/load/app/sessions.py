"""One state that streams pieces of text with the time on them."""

import time

import reflex as rx

import streamui as ui
from benchmarks.load.pieces import clock_piece, write_at


class Session(rx.State):
    """A page's answer."""

    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def run(self, rate: float, count: int):
        """Stream `count` pieces, `rate` per second."""
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
        begin = time.monotonic()
        await write_at(rate, count, begin, lambda _: answer.append(clock_piece()))


app = rx.App()
app.add_page(rx.fragment(ui.text(Session.answer)), route="/")
