"""Search as you type: each call cancels the one before, so the last word wins."""

import asyncio

import reflex as rx

import streamui as ui

RIVERS = "Amazon Congo Danube Euphrates Ganges Indus Mekong Mississippi Niger Nile Rhine".split()


class Search(rx.State):
    found: ui.StreamableValue[list[str]] = ui.StreamableValue([]).done()

    @ui.server_function(supersedes=True)
    async def look(self, letters: str):
        found = ui.StreamableValue([])
        async with self:
            self.found = found
        for river in RIVERS:
            await asyncio.sleep(0.1)  # a slow index
            if letters.lower() in river.lower():
                found.append([river])
            yield


def index():
    return rx.container(
        rx.input(placeholder="Find a river", on_change=Search.look),
        ui.status(Search.found),
        rx.foreach(Search.found.value, lambda river: rx.text(river)),
        rx.cond(
            ~Search.found.streaming & (Search.found.value.length() == 0),
            rx.text("No river has these letters.", color_scheme="gray"),
        ),
    )


app = rx.App()
app.add_page(index)
