"""A conversation with a model that calls a function of this app, shown word by word."""

import random

import reflex as rx

import streamui as ui


@ui.tool
def roll_dice(count: int) -> list[int]:
    """Roll dice.

    Args:
        count: How many dice to roll.
    """
    return [random.randint(1, 6) for _ in range(count)]


class Game(rx.State):
    status: ui.StreamableValue[str] = ui.StreamableValue("ready").done()
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    _said: list[dict] = []

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict):
        status, answer = ui.StreamableValue("asking"), ui.StreamableValue("")
        async with self:
            self.status, self.answer = status, answer
        said = [*self._said, {"role": "user", "content": form["question"]}]
        result = ui.stream_text(said, tools=[roll_dice], pace="word").into(answer)
        async for event in result:
            if event.type == "tool-result":
                status.update(f"{event.name}: {event.result}")
        if usage := await result.usage:
            status.update(f"{status.value}, {usage.total_tokens} tokens")
        async with self:
            self._said = [*said, *(await result.response).messages]


def index():
    return rx.container(
        rx.form(
            rx.hstack(
                rx.input(name="question", default_value="Roll 3 dice", flex="1"),
                rx.button("Ask", type="submit"),
                rx.button("Stop", type="button", on_click=ui.stop(Game.ask), variant="soft"),
            ),
            on_submit=Game.ask,
        ),
        ui.status(Game.status),
        ui.markdown(Game.answer),
    )


app = rx.App()
app.add_page(index)
