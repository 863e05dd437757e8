"""A page that shows a recipe while its fields are still coming."""

import asyncio
import dataclasses
from typing import Any

import pydantic
import reflex as rx
from typing_extensions import TypedDict

import streamui as ui

PARTS = [
    {},
    {"name": "Las"},
    {"name": "Lasagne", "serves": 4, "steps": [{}]},
    {"name": "Lasagne", "serves": 4, "steps": [{"text": "Boil", "minutes": 8}, {"text": "Ba"}]},
]


class Step(pydantic.BaseModel):
    text: str
    minutes: int = 3
    tags: list[str] = []


class Recipe(pydantic.BaseModel):
    name: str
    serves: int
    steps: list[Step]
    rating: float = 4.5
    vegan: bool = False
    first: Step | None = None


class Note(TypedDict):
    title: str
    lines: list[str]


@dataclasses.dataclass
class Size:
    width: float
    unit: str


class Kitchen(rx.State):
    recipe: ui.StreamableValue[Recipe] = ui.StreamableValue().done()
    note: ui.StreamableValue[Note] = ui.StreamableValue().done()
    sizes: ui.StreamableValue[list[Size]] = ui.StreamableValue().done()
    loose: ui.StreamableValue[dict] = ui.StreamableValue().done()
    at: int = -1

    @rx.event
    def next(self):
        self.at += 1
        self.recipe = ui.StreamableValue(PARTS[self.at]).done()
        self.loose = ui.StreamableValue(PARTS[self.at]).done()

    @ui.server_function
    async def cook(self, question: str):
        recipe, sizes, note = (ui.StreamableValue() for _ in range(3))
        async with self:
            self.recipe, self.sizes, self.note = recipe, sizes, note
        await asyncio.gather(
            ui.stream_object(Recipe, question).into(recipe).object,
            ui.stream_object(list[Size], question).into(sizes).object,
            ui.stream_object(Note, question).into(note).object,
        )


def step(each):
    return rx.el.li(f"{each.text}, {each.minutes} min{each.tags.join('/')}")


def size(each):
    return rx.el.li(f"{each.width:.1f} {each.unit}")


def index():
    recipe: Any = Kitchen.recipe.value
    note = Kitchen.note.value
    return rx.vstack(
        rx.heading(recipe.name),
        rx.text(recipe.name.upper(), id="loud"),
        rx.text(f"For {recipe.serves}, {recipe.steps.length()} steps", id="serves"),
        rx.text(recipe.serves, recipe["rating"], recipe.first.text, id="bare"),
        rx.text(rx.cond(recipe.vegan, "vegan", "not vegan"), id="vegan"),
        rx.progress(value=recipe.serves),
        rx.el.ol(rx.foreach(recipe.steps, step), id="steps"),
        rx.el.ol(rx.foreach(Kitchen.sizes.value, size), id="sizes"),
        rx.el.ol(rx.foreach(note["lines"], rx.el.li), id="lines"),
        rx.text(note.title, id="title"),
        rx.text(Kitchen.loose.value["name"], id="loose"),
        rx.foreach(Kitchen.loose.value["steps"].to(list[dict]), lambda each: rx.text(each["text"])),
        rx.button("Next", on_click=Kitchen.next),
        rx.button("Cook", on_click=Kitchen.cook("A lasagne at 400 words per second")),
        ui.status(Kitchen.note),
    )


app = rx.App()
app.add_page(index)
