"""A model's answer as it comes, with what the provider says of it."""

import reflex as rx

import streamui as ui


class Ask(rx.State):
    status: ui.StreamableValue[str] = ui.StreamableValue("ready").done()
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True, time_limit=120)
    async def ask(self, form: dict):
        status, answer = ui.StreamableValue("asking"), ui.StreamableValue("")
        async with self:
            self.status, self.answer = status, answer
        stream = await ui.default_client().responses.create(
            model=ui.default_model(), input=form["question"], stream=True
        )
        async for event in ui.model_events(stream):
            status.update(event.provider_event)
            if event.type == "text-delta":
                answer.append(event.delta)
            yield


def index():
    return rx.container(
        rx.form(
            rx.hstack(
                rx.input(name="question", placeholder="Ask a question", flex="1"),
                rx.button("Ask", type="submit"),
                rx.button("Stop", type="button", on_click=ui.stop(Ask.ask), variant="soft"),
            ),
            on_submit=Ask.ask,
        ),
        ui.status(Ask.status),
        ui.markdown(Ask.answer),
    )


app = rx.App()
app.add_page(index)
