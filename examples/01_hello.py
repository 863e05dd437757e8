"""A value that grows while you watch, from a plain loop."""

import asyncio

import reflex as rx

import streamui as ui


class Hello(rx.State):
    text: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def count(self):
        text = ui.StreamableValue("")
        async with self:
            self.text = text
        for number in range(1, 51):
            text.append(f"{number} ")
            yield
            await asyncio.sleep(0.1)


def index():
    return rx.container(
        rx.heading("A value that grows"),
        rx.hstack(
            rx.button("Count", on_click=Hello.count, disabled=Hello.text.streaming),
            rx.button("Stop", on_click=ui.stop(Hello.count), disabled=~Hello.text.streaming),
        ),
        ui.text(Hello.text),
        rx.text(f"{Hello.text.value.length()} characters, {Hello.text.status}"),
    )


app = rx.App()
app.add_page(index)
