"""Monitor progress: callbacks for each chunk and for the end, and figures drawn from them."""

import time

import reflex as rx

import streamui as ui

NOTHING = {"chunks": 0, "characters": 0, "first": 0.0, "seconds": 0.0, "rate": 0.0, "tokens": 0}


class Progress(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    figures: ui.StreamableValue[dict[str, float]] = ui.StreamableValue(NOTHING).done()

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        answer, figures = ui.StreamableValue(""), ui.StreamableValue(dict(NOTHING))
        async with self:
            self.answer, self.figures = answer, figures
        begun, now = time.monotonic(), dict(NOTHING)

        def on_chunk(event):
            now["seconds"] = round(time.monotonic() - begun, 1)
            if event.type == "text-delta":
                now["first"] = now["first"] or round(time.monotonic() - begun, 2)
                now["chunks"] += 1
                now["characters"] += len(event.delta)
                now["rate"] = round(now["chunks"] / (time.monotonic() - begun))
            figures.update(now)

        def on_finish(result):
            if result.usage is not None:
                figures.update({**now, "tokens": result.usage.output_tokens})

        await ui.stream_text(form["question"], on_chunk=on_chunk, on_finish=on_finish).into(answer)


def figure(name: str, value, unit: str = ""):
    return rx.data_list.item(rx.data_list.label(name), rx.data_list.value(value, unit))


def page():
    now = Progress.figures.value
    return rx.vstack(
        ui.scroller(
            ui.markdown(Progress.answer),
            rx.cond(Progress.answer.error, rx.text(Progress.answer.error, role="alert")),
            label="Answer",
        ),
        rx.data_list.root(
            figure("First word", now["first"], " s"),
            figure("Chunks", now["chunks"]),
            figure("Characters", now["characters"]),
            figure("Per second", now["rate"], " chunks"),
            figure("Time", now["seconds"], " s"),
            figure("Tokens", rx.cond(now["tokens"] > 0, now["tokens"].to_string(), "…")),
            orientation="vertical",
            size="1",
        ),
        rx.el.form(
            rx.hstack(
                rx.input(
                    name="question",
                    default_value="Write 200 words about rivers",
                    aria_label="Question",
                    flex="1",
                ),
                rx.button("Ask", disabled=Progress.answer.streaming),
            ),
            on_submit=Progress.ask,
        ),
    )
