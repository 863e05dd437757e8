"""Stream text: the answer is on the page word by word, as the model writes it."""

import reflex as rx

import streamui as ui


class StreamText(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
        await ui.stream_text(form["question"]).into(answer)


def page():
    return rx.vstack(
        ui.scroller(
            ui.markdown(StreamText.answer, caret=True),
            rx.cond(StreamText.answer.error, rx.text(StreamText.answer.error, role="alert")),
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
                rx.cond(
                    StreamText.answer.streaming,
                    rx.button("Stop", type="button", on_click=ui.stop(StreamText.ask)),
                    rx.button("Answer"),
                ),
            ),
            on_submit=StreamText.ask,
        ),
    )
