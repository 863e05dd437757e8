import dataclasses
from typing import Any

import pydantic
import reflex as rx

import streamui as ui
from streamui.page.state_walk import find_streamables


@dataclasses.dataclass
class Note:
    text: ui.StreamableValue


@dataclasses.dataclass(slots=True)
class Slotted:
    text: ui.StreamableValue


class Card(pydantic.BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    text: ui.StreamableValue


class WalkedState(rx.State):
    plain: ui.StreamableValue[str] = ui.StreamableValue("").done()
    notes: list[Note] = []
    named: dict[str, list[ui.StreamableValue]] = {}
    card: Card | None = None
    slotted: Slotted | None = None
    _hidden: list[ui.StreamableValue] = []


class BelowState(WalkedState):
    below: ui.StreamableValue[str] = ui.StreamableValue("").done()


def test_every_streamable_of_a_state_tree_is_found_wherever_it_is():
    state: Any = rx.State
    root = state(_reflex_internal_init=True)
    walked = root.get_substate(WalkedState.get_full_name().split("."))
    below = root.get_substate(BelowState.get_full_name().split("."))
    made = {letter: ui.StreamableValue(letter).done() for letter in "abcdefg"}
    walked.plain = made["a"]
    walked.notes.append(Note(made["b"]))
    walked.named["x"] = [made["c"]]
    walked.card = Card(text=made["d"])
    walked._hidden.append(made["e"])
    below.below = made["f"]
    walked.slotted = Slotted(made["g"])
    found = {streamable.value for streamable in find_streamables(root)}
    assert set("abcdefg") <= found
    (one,) = find_streamables(root, {made["c"].id})
    assert one is made["c"]


def test_a_streamable_inside_another_ones_value_is_found():
    state: Any = rx.State
    root = state(_reflex_internal_init=True)
    walked = root.get_substate(WalkedState.get_full_name().split("."))
    inner = ui.StreamableValue("inner").done()
    walked.plain = ui.StreamableValue([{"part": inner}]).done()
    (found,) = find_streamables(root, {inner.id})
    assert found is inner
