"""Generate text: ask a model, wait, and show the whole answer."""

import reflex as rx

import streamui as ui


class GenerateText(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer  # shows that it is on its way
        answer.done(await ui.stream_text(form["question"]).text)


def page():
    return rx.vstack(
        ui.scroller(
            ui.markdown(GenerateText.answer),
            rx.cond(GenerateText.answer.error, rx.text(GenerateText.answer.error, role="alert")),
            label="Answer",
        ),
        rx.el.form(
            rx.hstack(
                rx.input(
                    name="question",
                    default_value="Why is the sky blue?",
                    aria_label="Question",
                    required=True,
                    flex="1",
                ),
                rx.button("Answer", disabled=GenerateText.answer.streaming),
            ),
            on_submit=GenerateText.ask,
        ),
    )
