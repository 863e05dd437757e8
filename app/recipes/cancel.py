"""Cancel: a stop ends the model's work at once, and what was written stays."""

import reflex as rx

import streamui as ui

QUESTION = "Write 500 words about rivers"


class Cancel(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
        await ui.stream_text(form["question"]).into(answer)


def outcome():
    """How it ended; a stop is no error."""
    return rx.match(
        Cancel.answer.status,
        ("streaming", rx.text("The model is writing…")),
        ("done", rx.text("")),
        ("cancelled", rx.text("Stopped. The connection to the model is closed.")),
        rx.text(Cancel.answer.error, color_scheme="red"),
    )


def page():
    return rx.vstack(
        ui.scroller(ui.markdown(Cancel.answer), label="Answer"),
        rx.box(outcome(), role="status"),
        rx.el.form(
            rx.hstack(
                rx.input(name="question", default_value=QUESTION, aria_label="Question", flex="1"),
                rx.cond(
                    Cancel.answer.streaming,
                    rx.button("Stop", type="button", on_click=ui.stop(Cancel.ask)),
                    rx.button("Ask"),
                ),
            ),
            on_submit=Cancel.ask,
        ),
    )
