"""Custom stream source: any async iterable fills a value, such as one that computes digits of π."""

import asyncio
from collections.abc import AsyncIterator

import reflex as rx

import streamui as ui


async def digits_of_pi() -> AsyncIterator[str]:
    """Never ends; Gibbons' algorithm of 2006, which knows no last digit."""
    q, r, t, k, n, m = 1, 0, 1, 1, 3, 3
    while True:
        if 4 * q + r - t < n * t:
            yield str(n)
            await asyncio.sleep(0.02)
            q, r, n = 10 * q, 10 * (r - n * t), 10 * (3 * q + r) // t - 10 * n
        else:
            n = (q * (7 * k + 2) + r * m) // (t * m)
            q, r, t = q * k, (2 * q + r) * m, t * m
            k, m = k + 1, m + 2


class Pi(rx.State):
    digits: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True, time_limit=60, stop_on_leave=True)
    async def compute(self):
        async with self:
            # It follows the source, which is closed when this function is stopped.
            self.digits = ui.StreamableValue.from_source(digits_of_pi())


def page():
    return rx.vstack(
        ui.scroller(ui.text(Pi.digits, font_family="monospace"), label="Digits of π"),
        rx.hstack(
            rx.text(Pi.digits.value.length(), " digits", role="status", flex="1"),
            rx.button("Compute", on_click=Pi.compute, disabled=Pi.digits.streaming),
            rx.button(
                "Stop",
                variant="soft",
                disabled=~Pi.digits.streaming,
                on_click=ui.stop(Pi.compute),
            ),
        ),
    )
