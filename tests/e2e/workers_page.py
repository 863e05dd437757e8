"""The page of test_workers.py and test_shutdown.py: an answer, shown wherever it is asked for."""

import asyncio
import os

import reflex as rx

import streamui as ui


class Desk(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("nothing yet").done()
    summary: ui.StreamableValue[str] = ui.StreamableValue("").done()
    earlier: list[ui.StreamableValue[str]] = []
    looks: int = 0
    worker: int = 0
    address: str = ""
    live: str = ""
    clicks: int = 0

    @rx.event
    def look(self):
        """Say who serves this page, as a handler of it sees the answer."""
        self.looks += 1
        self.worker = os.getpid()
        self.live = f"{self.answer.status}: {self.answer.value}"

    @rx.event
    def click(self):
        self.clicks += 1

    @rx.event
    def share(self):
        """Show another page's stream: this app lets whoever knows the id."""
        name = self.router.url.query_parameters.get("id", "")
        self.answer = ui.StreamableValue.from_handle({"$stream": name})

    @ui.server_function
    async def ask(self, question: str):
        answer = ui.StreamableValue("")
        async with self:
            self.earlier.append(self.answer)
            self.answer = answer
            self.address = ui.stream_url(answer)
        stream = await ui.default_client().responses.create(
            model=ui.default_model(), input=question, stream=True
        )
        try:
            async for event in ui.model_events(stream):
                if event.type == "text-delta":
                    answer.append(event.delta)
                yield
        finally:
            summary = ui.StreamableValue("")
            async with self:  # wherever the page is by now
                self.summary = summary
            for word in (f"{len(answer.value)} ", "characters"):
                summary.append(word)
                await asyncio.sleep(0.05)

    @rx.event
    async def plain(self):
        """Stream without a server function."""
        self.answer = ui.StreamableValue("")
        yield
        stream = await ui.default_client().responses.create(
            model=ui.default_model(), input="Write 2000 words at 40 words per second", stream=True
        )
        async for event in ui.model_events(stream):
            if event.type == "text-delta":
                self.answer.append(event.delta)
                yield
        self.answer.done()

    @rx.var
    def stream_id(self) -> str:
        return self.answer.id


def index():
    return rx.vstack(
        rx.form(
            rx.input(name="question", id="question"),
            rx.button("Ask", type="submit"),
            on_submit=lambda data: Desk.ask(data.to(dict)["question"]),
        ),
        rx.button("Look", on_click=Desk.look),
        rx.button("Click", on_click=Desk.click),
        rx.button("Plain", on_click=Desk.plain),
        rx.button("Stop the call", on_click=ui.stop(Desk.ask)),
        rx.button("Stop the stream", on_click=ui.stop(Desk.answer)),
        rx.text(Desk.clicks, id="clicks"),
        rx.text(Desk.looks, id="looks"),
        rx.text(Desk.worker, id="worker"),
        rx.text(Desk.live, id="live"),
        rx.text(Desk.stream_id, id="stream-id"),
        rx.text(Desk.address, id="address"),
        rx.box(rx.foreach(Desk.earlier, lambda each: ui.text(each)), id="earlier"),
        ui.text(Desk.answer, id="answer"),
        ui.text(Desk.summary, id="summary"),
        ui.status(Desk.answer, id="status"),
    )


app = rx.App(api_transformer=ui.routes())
app.add_page(index)
app.add_page(index, route="/shared", on_load=Desk.share)
