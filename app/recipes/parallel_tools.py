"""Call tools in parallel: one question, several calls at once, each shown as it goes."""

import asyncio
import random

import reflex as rx

import streamui as ui


@ui.tool
async def get_weather(city: str, context: ui.ToolContext) -> str:
    """Get the current weather in a city.

    Args:
        city: The city's name.
    """
    for step in ("calling the station", "reading the thermometer"):
        context.progress(step)
        await asyncio.sleep(random.uniform(0.2, 0.6))
    return f"{random.choice(('sunny', 'cloudy', 'rainy'))}, {random.randint(-5, 30)} °C"


class Weather(rx.State):
    rows: ui.StreamableValue[list[dict[str, str]]] = ui.StreamableValue([]).done()
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        rows, answer = ui.StreamableValue([]), ui.StreamableValue("")
        async with self:
            self.rows, self.answer = rows, answer
        calls: dict[str, dict[str, str]] = {}
        async for event in ui.stream_text(form["question"], tools=[get_weather]).into(answer):
            if event.type == "tool-start":
                calls[event.id] = {"city": event.arguments["city"], "weather": "…"}
            elif event.type == "tool-progress":
                calls[event.id]["weather"] = f"{event.data}…"
            elif event.type == "tool-result" and event.id in calls:
                calls[event.id]["weather"] = event.result or event.sentence
            rows.update(list(calls.values()))  # only what is new goes to the page
            yield


def row(each: rx.Var[dict[str, str]]):
    return rx.data_list.item(
        rx.data_list.label(each["city"], min_width="6rem"), rx.data_list.value(each["weather"])
    )


def page():
    return rx.vstack(
        ui.scroller(
            rx.data_list.root(rx.foreach(Weather.rows.value, row)),
            ui.markdown(Weather.answer),
            rx.cond(Weather.answer.error, rx.text(Weather.answer.error, role="alert")),
        ),
        rx.el.form(
            rx.hstack(
                rx.input(
                    name="question",
                    default_value="What is the weather in Paris, Oslo, Cairo and Lima?",
                    aria_label="Question",
                    flex="1",
                ),
                rx.button("Ask", disabled=Weather.answer.streaming),
            ),
            on_submit=Weather.ask,
        ),
    )
