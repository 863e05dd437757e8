"""How large a value may be, and how its readers hear that it became too large."""

import asyncio
from typing import Any

import pytest

from streamui.errors import LimitError, NotJSONError, StreamClosedError
from streamui.settings import settings
from streamui.store.store import Store
from streamui.streamable.log import UNSET
from streamui.streamable.patch import bytes_of
from streamui.streamable.reader import read_streamable
from streamui.streamable.value import StreamableValue


def live(value: Any = UNSET) -> StreamableValue[Any]:
    return StreamableValue(value)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(settings, "value_bytes", 100)
    monkeypatch.setattr(settings, "object_bytes", 40)


def refused(value, write, setting="value_bytes"):
    """The write is refused, and every reader hears that with what there was before."""
    before = value.log.value
    with pytest.raises(LimitError, match=f"{setting} is ") as caught:
        write()
    assert caught.value.setting == setting
    assert (value.status, value.error_code) == ("error", "limit")
    change = value.log.read(-1)
    assert (change.content, change.status) == (before, "error")
    assert change.failure is not None and change.failure.code == "limit"
    with pytest.raises(StreamClosedError):
        value.append("more")


@pytest.mark.parametrize(("piece", "fits"), [("x" * 9, 11), ("é" * 3, 16), ("😀", 25)])
def test_text_may_have_so_many_bytes_of_utf8(piece, fits):
    value = live("")
    for _ in range(fits):
        value.append(piece)
    assert 100 - len(piece.encode()) < len(value.value.encode()) <= 100
    refused(value, lambda: value.append(piece))


def test_exactly_as_many_as_allowed_are_allowed(monkeypatch):
    value = live("x" * 60).append("x" * 40).done()
    assert len(value.value) == 100
    monkeypatch.setattr(settings, "value_bytes", 0)
    live("x" * 60).append("x" * 1000).done()


def test_what_was_replaced_counts_no_more():
    value = live("x" * 90)
    for _ in range(10):
        value.update("y" * 90)
    refused(value, lambda: value.append("y" * 11))


def test_a_half_character_that_waits_for_its_other_half_ends_no_worse():
    value = live("x" * 98)
    value.append("\ud83d")
    refused(value, lambda: value.append("xxx"))
    waiting = live("x" * 98).append("\ud83d").done()  # its U+FFFD takes three bytes
    assert (waiting.value, waiting.status) == ("x" * 98, "done")


@pytest.mark.parametrize("verb", ["update", "done"])
@pytest.mark.parametrize("new", ["x" * 101, "part" + "x" * 100, ["x" * 30] * 4])
def test_a_value_that_is_too_large_is_refused_by_each_verb(verb, new):
    value = live("part")
    refused(value, lambda: getattr(value, verb)(new))


def test_one_that_is_too_large_from_the_start_is_not_made():
    for large in ("x" * 101, ["x" * 30] * 4):
        with pytest.raises(LimitError, match="value_bytes is 100"):
            live(large)
    with pytest.raises(LimitError, match="object_bytes is 40"):
        live({"a": "x" * 40})
    value = live()
    refused(value, lambda: value.append("x" * 101))


def test_a_list_grows_by_items_up_to_its_limit():
    value = live([])
    items = []
    while bytes_of([*items, "x" * 8]) < 100:
        items.append("x" * 8)
        value.append(["x" * 8])
    assert len(items) == 8
    refused(value, lambda: value.append(["x" * 8]))


def test_what_cannot_be_sent_in_pieces_has_a_limit_of_its_own():
    refused(value := live({"a": 1}), lambda: value.update({"a": "x" * 40}), "object_bytes")
    refused(value := live([]), lambda: value.append({"a": "x" * 40}), "object_bytes")
    refused(value := live([1]), lambda: value.update([1, "x" * 41]), "object_bytes")
    # A list may be longer, but not if something inside it is changed.
    rows = ["a row of text"] * 6
    value = live(rows[:2])
    value.append(rows[2:])
    refused(value, lambda: value.update([*rows[:-1], "a row of t"]), "object_bytes")


def test_a_model_that_is_refused_is_not_what_the_value_is():
    pydantic = pytest.importorskip("pydantic")

    class Row(pydantic.BaseModel):
        text: str

    value = live(Row(text="a"))
    first = value.value
    refused(value, lambda: value.update(Row(text="x" * 50)), "object_bytes")
    assert value.value is first


async def test_every_reader_gets_what_there_was_and_then_the_error():
    value = live("")
    shown = []

    async def read():
        async for text in read_streamable(value):
            shown.append(text)

    reader = asyncio.create_task(read())
    await asyncio.sleep(0)
    value.append("x" * 100)
    with pytest.raises(LimitError):
        value.append("y")
    with pytest.raises(LimitError):
        await reader
    assert shown[-1] == "x" * 100


async def test_a_source_that_gives_too_much_is_closed_and_its_stream_fails():
    closed = []

    async def source():
        try:
            for _ in range(30):
                yield "x" * 9
        finally:
            closed.append(True)

    value = StreamableValue.from_source(source())
    await value.wait_source()
    assert (value.value, value.status, value.error_code) == ("x" * 99, "error", "limit")
    await asyncio.sleep(0)
    assert closed


# -- what has ended ---------------------------------------------------------------------------


def test_ended_streams_have_a_limit_in_memory_and_the_oldest_go_first(monkeypatch):
    monkeypatch.setattr(settings, "value_bytes", 0)
    monkeypatch.setattr(settings, "retain_bytes", 1_000_000)
    kept = Store()
    values = [live("x" * 100_000) for _ in range(30)]
    for value in values:
        kept.add(value.id, value.log)
    assert kept.memory > 3_000_000  # what is open has limits of its own
    for value in values:
        value.done()
    found = [kept.find(value.id) is not None for value in values]
    assert found == [False] * 21 + [True] * 9
    assert kept.memory <= 1_000_000
    large = live("x" * 5_000_000).done()
    kept.add(large.id, large.log)
    assert kept.find(large.id) is large.log  # the last one can always be read
    assert len(kept) == 1


# -- deep JSON ------------------------------------------------------------------------------


def nested(levels: int, inner: Any = None) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


@pytest.mark.parametrize("levels", [129, 500, 50_000])
@pytest.mark.parametrize("form", ["list", "object", "append", "update", "done"])
def test_fault_49_deep_json_is_refused_by_a_typed_error_wherever_it_is_written(levels, form):
    deep = nested(levels)
    value = live([])
    writes = {
        "list": lambda: live(deep),
        "object": lambda: live({"a": {"b": deep}}),
        "append": lambda: value.append([deep]),
        "update": lambda: value.update(deep),
        "done": lambda: value.done(deep),
    }
    with pytest.raises(NotJSONError, match="too deeply") as caught:
        writes[form]()
    assert len(str(caught.value)) < 200
    value.cancel()


def test_fault_49_what_is_as_deep_as_allowed_goes_through_every_edge(monkeypatch):
    import json
    import pickle

    monkeypatch.setattr(settings, "object_bytes", 0)
    monkeypatch.setattr(settings, "value_bytes", 0)
    deep = nested(126, {"a": 1})
    value = live(deep)
    value.update(nested(126, {"a": 2, "b": "x" * 500}))
    value.update(nested(126, {"a": 3, "b": "x" * 500}))
    assert value.log.read(-1).content == value.value
    value.done()
    assert pickle.loads(pickle.dumps(value)).value == value.value
    assert json.loads(json.dumps(value.handle()))["value"] == value.value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("form", ["update", "append", "object"])
def test_fault_49_what_is_no_number_of_json_is_refused_by_a_typed_error(number, form):
    value = live([])
    with pytest.raises(NotJSONError, match="not a JSON number"):
        match form:
            case "update":
                value.update([number])
            case "append":
                value.append(number)
            case _:
                live({"a": [number]})
    value.cancel()
