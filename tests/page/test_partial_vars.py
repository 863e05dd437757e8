"""What `State.recipe.value.name` is while the recipe is still coming."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from typing import Annotated, Any, Literal, NotRequired

import pydantic
import pytest
import reflex as rx
from pydantic import Field
from reflex_base.utils.exceptions import VarAttributeError
from reflex_base.vars import ArrayVar, BooleanVar, NumberVar, ObjectVar, StringVar
from typing_extensions import TypedDict

import streamui as ui


class Colour(enum.Enum):
    RED = "red"


class Step(pydantic.BaseModel):
    text: str
    minutes: int = 1


class Tool(pydantic.BaseModel):
    kind: Literal["tool"]
    text: str


class Recipe(pydantic.BaseModel):
    name: str
    serves: Annotated[int, Field(ge=1)]
    rating: float | None = None
    vegan: bool
    steps: list[Annotated[Step, Field(description="one")]]
    first: Step
    last: Step | None = None
    either: Annotated[Step | Tool, Field()]
    day: datetime.date
    colour: Colour
    notes: dict[str, Step]
    anything: Any = None
    inside: list[Recipe] = []

    @pydantic.computed_field
    @property
    def length(self) -> int:
        return 1


@dataclasses.dataclass
class Dish:
    name: str
    steps: list[Step]


class Menu(TypedDict):
    name: str
    steps: NotRequired[list[Step]]


class Kitchen(rx.State):
    recipe: ui.StreamableValue[Recipe] = ui.StreamableValue().done()
    recipes: ui.StreamableValue[list[Recipe]] = ui.StreamableValue().done()
    dish: ui.StreamableValue[Dish] = ui.StreamableValue().done()
    menu: ui.StreamableValue[Menu] = ui.StreamableValue().done()
    loose: ui.StreamableValue[dict[str, Any]] = ui.StreamableValue({}).done()


KITCHEN: Any = Kitchen  # what a Var of a type has, no type checker knows


@pytest.mark.parametrize(
    ("name", "kind", "ending"),
    [
        ("name", StringVar, '?.["name"] ?? "")'),
        ("serves", NumberVar, '?.["serves"]'),
        ("rating", NumberVar, '?.["rating"]'),
        ("vegan", BooleanVar, '?.["vegan"] ?? false)'),
        ("steps", ArrayVar, '?.["steps"] ?? [])'),
        ("first", ObjectVar, '?.["first"]'),
        ("last", ObjectVar, '?.["last"]'),
        ("either", ObjectVar, '?.["either"]'),
        ("day", StringVar, '?.["day"] ?? "")'),
        ("colour", StringVar, '?.["colour"] ?? "")'),
        ("notes", ObjectVar, '?.["notes"]'),
        ("inside", ArrayVar, '?.["inside"] ?? [])'),
    ],
)
def test_a_field_is_a_var_of_its_type_and_empty_while_it_is_missing(name, kind, ending):
    for field in (getattr(KITCHEN.recipe.value, name), KITCHEN.recipe.value[name]):
        assert isinstance(field, kind)
        assert str(field).endswith(ending)


def test_fields_of_fields_can_be_read_where_none_of_them_is_there():
    recipe = KITCHEN.recipe.value
    for text in (
        recipe.first.text,
        recipe.last.text,
        recipe.either.text,
        recipe.steps[0].text,
        recipe.notes["salt"].text,
        recipe.inside[0].inside[1].steps[2].text,
        KITCHEN.recipes.value[0].name,
        KITCHEN.dish.value.steps[0].text,
        KITCHEN.menu.value["steps"][0].text,
        KITCHEN.menu.value.name,
        recipe["length"].to(str),
    ):
        assert isinstance(text, StringVar)
        assert "?." in str(text)


def test_a_missing_number_is_nothing_in_an_f_string():
    def script(text):
        return str(rx.text(text).render()["children"][0]["contents"])

    steps = KITCHEN.recipe.value.steps
    assert '? "" :' in script(f"Serves {KITCHEN.recipe.value.serves}")
    assert '? "" :' in script(f"{KITCHEN.recipe.value.rating:.1f}")
    shown = rx.foreach(steps, lambda step: rx.text(f"{step.minutes} min")).render()
    assert '? "" :' in str(shown["children"])


def test_a_number_is_still_a_number():
    assert isinstance(KITCHEN.recipe.value.serves + 1, NumberVar)
    assert rx.progress(value=KITCHEN.recipe.value.serves).render()
    assert rx.cond(KITCHEN.recipe.value.serves > 2, "many", "few") is not None


def test_lists_are_looped_over_and_their_items_given_to_components_of_ones_own():
    @rx.memo
    def step_card(step: rx.Var[Step]) -> rx.Component:
        return rx.text(step.text)

    for steps in (KITCHEN.recipe.value.steps, KITCHEN.dish.value.steps, KITCHEN.menu.value.steps):
        shown = rx.foreach(steps, lambda step: step_card(step=step)).render()
        assert shown["iterable_state"].endswith("?? [])")
    rx.foreach(KITCHEN.recipes.value, lambda recipe: rx.foreach(recipe.steps, lambda s: rx.text(s)))


def test_a_name_that_is_no_field_is_refused():
    for build in (
        lambda: KITCHEN.recipe.value.nmae,
        lambda: KITCHEN.menu.value["nmae"],
        lambda: KITCHEN.recipe.value.first.nmae,
    ):
        with pytest.raises(VarAttributeError, match="nmae"):
            build()


def test_an_object_of_no_known_type_is_as_it_was():
    assert str(KITCHEN.loose.value["name"]).endswith('?.["name"]')
