"""Record token usage: what an answer cost is kept once it has been streamed."""

import reflex as rx

import streamui as ui


class TokenUsage(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    calls: list[dict[str, int]] = []

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer

        async def record(result):
            if result.usage is not None:  # not every server says it
                used = {"in": result.usage.input_tokens, "out": result.usage.output_tokens}
                async with self:
                    self.calls = [*self.calls, used]

        await ui.stream_text(form["question"], on_finish=record).into(answer)


def row(call, index):
    return rx.table.row(
        rx.table.row_header_cell(index + 1),
        rx.table.cell(call["in"]),
        rx.table.cell(call["out"]),
    )


def page():
    return rx.vstack(
        ui.scroller(
            ui.markdown(TokenUsage.answer),
            rx.cond(TokenUsage.answer.error, rx.text(TokenUsage.answer.error, role="alert")),
            label="Answer",
        ),
        rx.table.root(
            rx.table.header(
                rx.table.row(
                    rx.table.column_header_cell("Answer"),
                    rx.table.column_header_cell("Tokens in"),
                    rx.table.column_header_cell("Tokens out"),
                )
            ),
            rx.table.body(rx.foreach(TokenUsage.calls, row)),
            size="1",
        ),
        rx.el.form(
            rx.hstack(
                rx.input(
                    name="question",
                    default_value="Write 60 words about tea",
                    aria_label="Question",
                    flex="1",
                ),
                rx.button("Ask", disabled=TokenUsage.answer.streaming),
            ),
            on_submit=TokenUsage.ask,
        ),
    )
