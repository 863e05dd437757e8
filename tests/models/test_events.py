from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any, get_args

import pytest

from streamui.models import events
from streamui.models.events import ModelEvent, TextDelta

ALL: tuple[Any, ...] = get_args(ModelEvent)


def test_every_event_has_a_type_of_its_own_and_the_providers_name() -> None:
    types = [dataclasses.fields(event) for event in ALL]
    names = [{field.name: field for field in fields} for fields in types]
    assert all("provider_event" in fields for fields in names)
    assert len({fields["type"].default for fields in names}) == len(ALL)


def test_types_are_words_joined_by_hyphens() -> None:
    assert {event.__dataclass_fields__["type"].default for event in ALL} == {
        *("text-start", "text-delta", "text-end"),
        *("reasoning-start", "reasoning-delta", "reasoning-end"),
        *("refusal-delta", "refusal-end"),
        *("tool-call-start", "tool-call-delta", "tool-call"),
        *("step-start", "step-finish"),
        *("tool-approval", "tool-start", "tool-progress", "tool-result"),
        *("usage", "finish", "provider", "retry", "error"),
    }


def test_events_are_frozen() -> None:
    event: Any = TextDelta("0", "tea")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.delta = "coffee"
    assert not hasattr(event, "__dict__")


def test_every_event_class_is_in_the_union() -> None:
    classes = {c for c in vars(events).values() if dataclasses.is_dataclass(c)}
    assert classes == set(ALL)


def test_nothing_here_imports_openai_before_it_is_used() -> None:
    code = (
        "import sys, streamui.models.events, streamui.models.model_events, "
        "streamui.models.client, streamui.models.failures\n"
        "streamui.models.failures.as_model_error(ValueError('x'))\n"
        "print([m for m in ('openai', 'httpx', 'httpx2', 'uvicorn', 'starlette', 'reflex') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
