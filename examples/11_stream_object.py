"""An object that a model fills: each field is on the page as soon as it is written."""

import pydantic
import reflex as rx

import streamui as ui


class Step(pydantic.BaseModel):
    text: str
    minutes: int = pydantic.Field(description="How long it takes")


class Recipe(pydantic.BaseModel):
    """What a cook at home needs to know."""

    name: str
    serves: int
    steps: list[Step]


class Kitchen(rx.State):
    recipe: ui.StreamableValue[Recipe] = ui.StreamableValue().done()
    minutes: int = 0

    @ui.server_function(supersedes=True)
    async def cook(self, form: dict):
        recipe = ui.StreamableValue()
        async with self:
            self.recipe = recipe
        made = await ui.stream_object(Recipe, form["dish"]).into(recipe)
        async with self:  # checked by pydantic: an instance, not only its JSON
            self.minutes = sum(step.minutes for step in made.steps)


def index():
    recipe = Kitchen.recipe.value  # its fields are empty until they come
    return rx.container(
        rx.form(
            rx.hstack(
                rx.input(name="dish", placeholder="A dish", flex="1"),
                rx.button("Cook", type="submit"),
                rx.button("Stop", type="button", on_click=ui.stop(Kitchen.cook), variant="soft"),
            ),
            on_submit=Kitchen.cook,
        ),
        rx.heading(recipe.name, size="5"),
        rx.text("For ", recipe.serves),
        rx.list.ordered(rx.foreach(recipe.steps, lambda each: rx.list.item(each.text))),
        rx.cond(Kitchen.minutes, rx.text(f"{Kitchen.minutes} minutes in all")),
        ui.status(Kitchen.recipe),
    )


app = rx.App()
app.add_page(index)
