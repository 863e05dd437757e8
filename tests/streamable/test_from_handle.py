"""A handle, as JSON, is turned back into the streamable that it stands for."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest

from streamui.errors import NotStreamableError, StreamLockedError
from streamui.store.store import Store, store
from streamui.streamable import base
from streamui.streamable.failure import LOST
from streamui.streamable.mirror import Mirror
from streamui.streamable.value import StreamableValue


def through_json(streamable: StreamableValue[Any]) -> object:
    return json.loads(json.dumps(streamable.handle()))


def test_the_handle_of_a_live_one_gives_the_very_same() -> None:
    value = StreamableValue("so far")
    assert StreamableValue.from_handle(through_json(value)) is value
    value.done()


@pytest.mark.parametrize("end", ["done", "error", "cancel", "interrupt"])
def test_the_handle_of_an_ended_one_says_all_there_is(end: str) -> None:
    value: StreamableValue[object] = StreamableValue({"rows": [1, None]})
    getattr(value, end)()
    again = StreamableValue.from_handle(through_json(value))
    assert again == value
    assert (again.value, again.status, again.failure) == (value.value, value.status, value.failure)


def test_one_that_ended_since_is_found_in_the_store() -> None:
    value = StreamableValue("so far")
    handle = value.handle()
    store.add(value.id, value.log)
    value.append(", and the rest").done()
    del value
    gc.collect()
    again = StreamableValue.from_handle(handle)
    assert (again.value, again.status) == ("so far, and the rest", "done")
    assert StreamableValue.from_handle({**handle, "status": "done", "held": 1}) == again


def test_one_that_nobody_has_is_lost_and_takes_no_id() -> None:
    lost = StreamableValue.from_handle({"$stream": "nobody-has-this"})
    assert (lost.value, lost.status, lost.failure) == (None, "interrupted", LOST)
    assert base.find_log("nobody-has-this") is None


def test_one_of_another_process_can_be_read_and_not_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Mirror()
    monkeypatch.setattr(base, "mirrors", [lambda name: log if name == "elsewhere" else None])
    mirrored = StreamableValue.from_handle({"$stream": "elsewhere"})
    assert mirrored.streaming
    assert mirrored.id == "elsewhere"
    there = StreamableValue("made there")
    log.apply(there.log.read(-1))
    assert mirrored.value == "made there"
    with pytest.raises(StreamLockedError):
        mirrored.append("!")
    log.apply(there.done().log.read(-1))
    assert mirrored.status == "done"


def test_a_forged_handle_does_not_take_the_place_of_the_real_one() -> None:
    real = StreamableValue("real")
    forged = StreamableValue.from_handle({"$stream": real.id, "status": "done", "value": "forged"})
    assert forged.value == "forged"
    assert base.find_log(real.id) is real.log
    assert Store().find(real.id) is None
    real.done()


@pytest.mark.parametrize(
    "handle",
    [
        None,
        "id",
        [],
        {},
        {"$stream": 1},
        {"$stream": None, "status": "done"},
        {"$stream": "a", "status": "streaming"},
        {"$stream": "a", "status": ["done"]},
    ],
)
def test_what_is_no_handle_is_refused(handle: object) -> None:
    with pytest.raises(NotStreamableError):
        StreamableValue.from_handle(handle)


def test_an_error_that_is_none_is_left_out() -> None:
    handle = {"$stream": "", "status": "error", "error": {"code": 7, "message": ["x"]}}
    again = StreamableValue.from_handle(handle)
    assert (again.status, again.failure) == ("error", None)


def test_the_handle_of_another_kind_is_refused() -> None:
    class Other(base.Streamable[str]):
        pass

    other = Other("x")
    with pytest.raises(NotStreamableError, match="Other"):
        StreamableValue.from_handle(other.handle())
    other.cancel()
