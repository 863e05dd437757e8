"""The page: the messages, and the box to write one."""

import reflex as rx

import streamui as ui
from app.layout import header_button, header_link, layout
from app.pages.assistant.conversation import Assistant
from app.pages.assistant.message import message
from app.pages.assistant.welcome import welcome


def assistant() -> rx.Component:
    return layout(
        ui.scroller(
            rx.el.div(
                rx.foreach(Assistant.messages, message),
                # Not before the page knows that there are none.
                rx.cond(rx.State.is_hydrated & (Assistant.messages.length() == 0), welcome()),
                class_name="column",
            ),
            follow=Assistant.messages.length(),
        ),
        rx.el.div(
            ui.composer(
                stop_button(),
                on_send=Assistant.ask,
                id="message",
                placeholder="Ask anything",
                auto_focus=True,
            ),
            rx.el.div(
                rx.el.span("Enter sends, Shift+Enter makes a new line", class_name="hint"),
                rx.el.span(progress(), role="status"),
                class_name="below",
            ),
            class_name="column dock",
        ),
        actions=rx.fragment(
            new_conversation(),
            header_link(rx.icon("activity", aria_hidden=True), "Live streams", "/streams"),
        ),
    )


def stop_button() -> rx.Component:
    return rx.cond(
        Assistant.current.streaming,
        rx.button(
            rx.icon("square", size=12, aria_hidden=True, fill="currentColor"),
            rx.el.span("Stop"),
            aria_label="Stop",
            type="button",
            variant="soft",
            color_scheme="gray",
            high_contrast=True,
            on_click=[ui.stop(Assistant.ask), rx.set_focus("message")],
            class_name="stop",
        ),
    )


def progress() -> rx.Var:
    """How the assistant is doing, in words that are few enough to be read out."""
    return rx.cond(
        Assistant.messages.length() > 0,
        rx.match(
            Assistant.current.status,
            ("streaming", "Answering…"),
            ("done", "Answer complete"),
            ("cancelled", "Stopped"),
            ("interrupted", "Interrupted"),
            "The answer failed",
        ),
        "",
    )


def new_conversation() -> rx.Component:
    return rx.cond(
        Assistant.messages.length() > 0,
        header_button(
            rx.icon("square-pen", aria_hidden=True),
            "New conversation",
            on_click=[Assistant.begin_anew, rx.set_focus("message")],
        ),
    )
