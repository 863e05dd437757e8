"""Generate object: the model fills a pydantic model; the page shows it when it is whole."""

import pydantic
import reflex as rx

import streamui as ui


class Notification(pydantic.BaseModel):
    name: str = pydantic.Field(description="Name of a fictional person")
    minutes_ago: int
    message: str = pydantic.Field(description="No emojis, no links")


class Notifications(pydantic.BaseModel):
    notifications: list[Notification]


class GenerateObject(rx.State):
    result: ui.StreamableValue[Notifications] = ui.StreamableValue().done()

    @ui.server_function(supersedes=True)
    async def generate(self, form: dict[str, str]):
        result = ui.StreamableValue()
        async with self:
            self.result = result
        result.done(await ui.stream_object(Notifications, form["question"]).object)


def card(each):
    return rx.card(
        rx.text(f"{each.name}, {each.minutes_ago} min ago", size="1", color_scheme="gray"),
        rx.text(each.message),
    )


def page():
    result = GenerateObject.result
    return rx.vstack(
        ui.scroller(
            rx.foreach(result.value.notifications, card),
            rx.cond(result.streaming, rx.skeleton(height="4rem")),
            rx.cond(result.error, rx.text(result.error, role="alert")),
            label="Notifications",
        ),
        rx.el.form(
            rx.hstack(
                rx.input(
                    name="question",
                    default_value="Three notifications for a messages app in finals week",
                    aria_label="What to generate",
                    required=True,
                    flex="1",
                ),
                rx.button("Generate", disabled=result.streaming),
            ),
            on_submit=GenerateObject.generate,
        ),
    )
