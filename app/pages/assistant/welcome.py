"""What is there before the first question."""

import reflex as rx

import streamui as ui
from app.pages.assistant.conversation import Assistant

SUGGESTIONS = (
    "Compare tea and coffee in a table",
    "Show me code for the Fibonacci numbers",
    "Explain the formula for a quadratic equation",
    "Write 300 words about rivers at 60 words per second",
)


def welcome() -> rx.Component:
    return rx.el.div(
        rx.heading("What would you like to know?", as_="h2", size="7", weight="medium"),
        rx.text(who_answers(), color_scheme="gray", size="3"),
        rx.el.ul(*map(suggestion, SUGGESTIONS), aria_label="Suggestions"),
        class_name="welcome",
    )


def who_answers() -> rx.Component:
    return rx.cond(
        Assistant.model == ui.DEMO_MODEL,
        rx.fragment(
            "No key is set, so a small built-in demo model answers: it streams canned text and "
            "knows nothing. Set ",
            rx.code("OPENAI_API_KEY"),
            " to talk to a real one.",
        ),
        rx.fragment("Answers come from ", rx.code(Assistant.model), "."),
    )


def suggestion(question: str) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            question,
            type="button",
            on_click=[Assistant.ask(question, ""), rx.set_focus("message")],
        )
    )
