"""One message: a question, its answer, and how the answer is doing."""

# A Var has the attributes of what it stands for, which no type checker can know.
# pyright: reportAttributeAccessIssue=false

import reflex as rx

import streamui as ui
from app.pages.assistant.conversation import WAITING, Assistant, Message

SMALL = {
    "width": "fit-content",
    "inset_inline": 0,
    "margin_inline": "auto",
    "padding": "0.5rem 1rem",
}


def message(message: rx.Var[Message]) -> rx.Component:
    return rx.el.article(
        rx.el.h2("Question", class_name="sr-only"),
        ui.text(message.question, class_name="question"),
        rx.el.h2("Answer", class_name="sr-only"),
        ui.markdown(message.answer, class_name="answer"),
        rx.el.footer(
            # The page's own status line speaks to screen readers; ten of these would not.
            ui.status(message.status, custom_attrs={"role": "none", "aria-live": "off"}),
            actions(id=message.id, status=message.status, answer=message.answer),
        ),
        key=message.id,
        class_name="message",
    )


@rx.memo
def actions(
    id: rx.Var[str],
    status: rx.Var[ui.StreamableValue[str]],
    answer: rx.Var[ui.StreamableValue[str]],
) -> rx.Component:
    """What can be done with a message; it depends on how it is doing."""
    return rx.cond(
        status.streaming,
        rx.cond(
            status.value == WAITING,
            action("x", "Cancel", [Assistant.take_back(id), rx.set_focus("message")]),
        ),
        rx.fragment(
            copy(answer=answer),
            rx.cond(
                (status.status != "done") & (status.error_code != "too_long"),
                action(
                    "rotate-ccw", "Try again", [Assistant.ask_again(id), rx.set_focus("message")]
                ),
            ),
        ),
    )


@rx.memo
def copy(answer: rx.Var[ui.StreamableValue[str]]) -> rx.Component:
    """Apart from the other actions, and there only at the end: it reads the text."""
    return rx.cond(
        answer.value != "",
        action(
            "copy",
            "Copy",
            [
                rx.set_clipboard(answer.value),
                rx.toast("Answer copied", duration=2000, position="top-center", style=SMALL),
            ],
        ),
    )


def action(icon: str, label: str, on_click: rx.event.EventType[()]) -> rx.Component:
    return rx.button(
        rx.icon(icon, size=14, aria_hidden=True),
        label,
        variant="ghost",
        color_scheme="gray",
        size="2",
        on_click=on_click,
    )
