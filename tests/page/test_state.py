"""A streamable in a Reflex state: saved and loaded as Reflex does it, and written as JSON."""

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest
import reflex as rx
from reflex_base.utils.format import json_dumps

import streamui as ui


@dataclasses.dataclass
class Turn:
    question: str
    answer: ui.StreamableValue[str]


class SavedState(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("ready").done()
    open_default: ui.StreamableValue[str] = ui.StreamableValue("mine")
    turns: list[Turn] = []


def make_state() -> Any:
    root: Any = rx.State
    return root(_reflex_internal_init=True).get_substate(SavedState.get_full_name().split("."))


@pytest.fixture
def state():
    return make_state()


def test_a_state_with_streamables_is_saved_and_loaded(state):
    state.answer = ui.StreamableValue("long text").done()
    state.turns.append(Turn("why?", ui.StreamableValue("because").cancel()))
    live = ui.StreamableValue("half")
    state.turns.append(Turn("and?", live))
    again = SavedState._deserialize(data=state._serialize())
    assert again.answer.value == "long text"
    assert again.turns[0].answer.status == "cancelled"
    assert again.turns[1].answer is live
    live.done()


def test_a_state_is_saved_when_its_streamables_have_ended_as_values(state):
    live = ui.StreamableValue("half")
    state.answer = live
    live.append(" and the rest").done()
    again = SavedState._deserialize(data=state._serialize())
    assert (again.answer.value, again.answer.status) == ("half and the rest", "done")


def test_an_open_default_belongs_to_one_page_only(state):
    other = make_state()
    state.open_default.append(" alone")
    assert other.open_default.value == "mine"
    assert other.open_default.id != state.open_default.id
    state.open_default.done()
    other.open_default.done()


def test_the_default_is_written_the_same_way_in_every_process():
    code = "import streamui as ui; print(ui.StreamableValue('ready').done().handle())"
    written = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(written) == 1


def test_a_state_is_written_as_json_with_handles(state):
    state.turns.append(Turn("why?", ui.StreamableValue("because").done()))
    written = json.loads(json_dumps(state.turns))
    assert written == [
        {"question": "why?", "answer": {"$stream": "", "status": "done", "value": "because"}}
    ]


def test_assigning_a_streamable_marks_the_state_dirty_and_writing_to_it_does_not(state):
    state._clean()
    state.answer = ui.StreamableValue("")
    assert "answer" in state.dirty_vars
    state._clean()
    state.answer.append("text")
    assert not state.dirty_vars
    state.answer.done()
