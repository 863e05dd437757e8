"""The page for an address that leads nowhere."""

import reflex as rx

from app.layout import layout


def not_found() -> rx.Component:
    return layout(
        rx.vstack(
            rx.heading("There is no page here", as_="h2", size="7", weight="medium"),
            rx.text("The address may have a typing error, or the page has moved.", color="gray"),
            rx.link("Back to the assistant", href="/"),
            class_name="column welcome",
        )
    )
