"""Calls that wait for their turn: each is on the page at once, and says that it waits."""

import asyncio
import dataclasses

import reflex as rx

import streamui as ui


@dataclasses.dataclass
class Order:
    number: int
    status: ui.StreamableValue[str]


class Kitchen(rx.State):
    orders: list[Order] = []

    @ui.server_function
    async def cook(self):
        status = ui.StreamableValue("waiting for the stove")
        async with self:
            self.orders.append(Order(len(self.orders) + 1, status))
        async with ui.turn():
            for step in ("chopping", "frying", "plating"):
                status.update(step)
                yield
                await asyncio.sleep(1)
            status.update("served")


def order(item: rx.Var[Order]):
    return rx.hstack(rx.text(f"Order {item.number}"), ui.status(item.status))


def index():
    return rx.container(
        rx.button("Order", on_click=Kitchen.cook),
        rx.button("Stop the one that cooks", on_click=ui.stop(Kitchen.cook), variant="soft"),
        rx.foreach(Kitchen.orders, order),
    )


app = rx.App()
app.add_page(index)
