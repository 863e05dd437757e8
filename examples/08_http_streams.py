"""A page's stream that curl can read and stop, and an answer for whoever posts a question."""

import reflex as rx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

import streamui as ui


async def answer_to(question: str):
    stream = await ui.default_client().responses.create(
        model=ui.default_model(), input=question, stream=True
    )
    return ui.model_events(stream)


class Assistant(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    url: str = ""

    @ui.server_function
    async def ask(self):
        answer = ui.StreamableValue("")
        async with self:
            self.answer, self.url = answer, ui.stream_url(answer, expires=600)
        async for event in await answer_to("Write 300 words about rivers at 10 words per second"):
            if event.type == "text-delta":
                answer.append(event.delta)
            yield


def index():
    return rx.container(
        rx.button("Ask", on_click=Assistant.ask),
        rx.cond(
            Assistant.url,
            rx.vstack(
                rx.text("In a shell, -H 'Accept: text/plain' for the text, -X DELETE to stop:"),
                rx.code(f"curl -N '{Assistant.url}'"),
            ),
        ),
        rx.text("curl -N localhost:8000/ask -d 'Why is the sky blue?' answers you alone."),
        ui.text(Assistant.answer),
        ui.status(Assistant.answer),
    )


async def ask(request: Request):
    question = (await request.body()).decode()
    return ui.text_response(await answer_to(question))


own = Starlette(routes=[Route("/ask", ask, methods=["POST"])])
app = rx.App(api_transformer=[ui.routes(), own])
app.add_page(index)
