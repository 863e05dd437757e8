"""What every page has around its content."""

import reflex as rx
from reflex.style import set_color_mode


def layout(*content: rx.Component, actions: rx.Component | None = None) -> rx.Component:
    """Put content below the header, which stays in sight."""
    return rx.theme(
        rx.el.div(
            rx.el.header(
                rx.link(
                    rx.icon("audio-lines", size=20, aria_hidden=True),
                    rx.heading("streamui", as_="h1", size="3", weight="medium"),
                    href="/",
                    underline="none",
                    color_scheme="gray",
                    high_contrast=True,
                    class_name="brand",
                ),
                rx.hstack(
                    actions or rx.fragment(),
                    header_link(rx.icon("book-open", aria_hidden=True), "Recipes", "/recipes"),
                    color_mode_menu(),
                    spacing="1",
                ),
            ),
            rx.el.main(*content),
            class_name="page",
        ),
        accent_color="indigo",
        gray_color="slate",
        radius="large",
        has_background=False,
    )


def color_mode_menu() -> rx.Component:
    return rx.menu.root(
        rx.menu.trigger(
            header_button(rx.color_mode.icon(), "Colour mode"),
        ),
        rx.menu.content(
            rx.menu.item("Light", on_click=set_color_mode("light")),
            rx.menu.item("Dark", on_click=set_color_mode("dark")),
            rx.menu.item("Same as the system", on_click=set_color_mode("system")),
            align="end",
        ),
    )


def header_link(icon: rx.Component, label: str, href: str) -> rx.Component:
    return rx.icon_button(
        rx.link(icon, href=href, aria_label=label, title=label),
        as_child=True,
        variant="soft",
        color_scheme="gray",
        size="3",
        class_name="header-button",
    )


def header_button(icon: rx.Component, label: str, **props) -> rx.Component:
    return rx.icon_button(
        icon,
        variant="soft",
        color_scheme="gray",
        size="3",
        aria_label=label,
        title=label,
        class_name="header-button",
        **props,
    )
