"""Typewriter: a text appears character by character, as if somebody typed it."""

import asyncio

import reflex as rx

import streamui as ui

TEXT = "Streaming text character by character: each is on the page as soon as it is there."


class Typewriter(rx.State):
    paper: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True)
    async def type(self, form: dict[str, str]):
        paper = ui.StreamableValue("")
        async with self:
            self.paper = paper
        for character in form["text"][:2000]:
            paper.append(character)
            yield  # a point where Stop takes effect
            await asyncio.sleep(0.05)


def page():
    return rx.vstack(
        ui.scroller(ui.text(Typewriter.paper, announce=True), label="Paper"),
        rx.el.form(
            rx.hstack(
                rx.text_area(name="text", default_value=TEXT, aria_label="Text", flex="1"),
                rx.button("Type"),
                rx.button(
                    "Stop",
                    type="button",
                    variant="soft",
                    disabled=~Typewriter.paper.streaming,
                    on_click=ui.stop(Typewriter.type),
                ),
            ),
            on_submit=Typewriter.type,
        ),
    )
