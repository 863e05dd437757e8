"""A table that grows: appending the thousandth row sends one row."""

import asyncio
import random

import reflex as rx

import streamui as ui


class Sensor(rx.State):
    rows: ui.StreamableValue[list[dict[str, str]]] = ui.StreamableValue([]).done()

    @ui.server_function(supersedes=True)
    async def measure(self):
        rows = ui.StreamableValue([])
        async with self:
            self.rows = rows
        for number in range(200):
            rows.append({"at": f"{number / 10:.1f} s", "value": f"{random.gauss(20, 2):.2f} °C"})
            yield
            await asyncio.sleep(0.1)


def row(item: rx.Var[dict[str, str]]):
    return rx.table.row(rx.table.cell(item["at"]), rx.table.cell(item["value"]))


def index():
    return rx.container(
        rx.hstack(
            rx.button("Measure", on_click=Sensor.measure),
            rx.button("Stop", on_click=ui.stop(Sensor.measure), variant="soft"),
            rx.text(f"{Sensor.rows.value.length()} rows"),
        ),
        rx.table.root(
            rx.table.header(
                rx.table.row(
                    rx.table.column_header_cell("At"), rx.table.column_header_cell("Value")
                )
            ),
            rx.table.body(rx.foreach(Sensor.rows.value, row)),
        ),
    )


app = rx.App()
app.add_page(index)
