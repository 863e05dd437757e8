import asyncio
import copy
import dataclasses
import gc
import inspect
import logging
import pickle
import warnings
from types import SimpleNamespace
from uuid import UUID

import pydantic
import pytest

from streamui.errors import (
    ModelError,
    NotJSONError,
    StreamClosedError,
    StreamLockedError,
    StreamTypeError,
)
from streamui.settings import settings
from streamui.streamable import watch, writer
from streamui.streamable.log import UNSET
from streamui.streamable.scope import current_scope
from streamui.streamable.value import StreamableValue
from streamui.streamable.watch import LeftOpenWarning


class City(pydantic.BaseModel):
    name: str
    people: int = 0


@dataclasses.dataclass
class Point:
    x: int
    y: list[int]


def test_each_verb_returns_the_streamable_itself():
    value = StreamableValue("a")
    assert value.update("b") is value
    assert value.append("c") is value
    assert value.done() is value
    failed = StreamableValue(1)
    assert failed.error(ValueError("no")) is failed


def test_value_and_status_are_the_latest():
    value = StreamableValue("a")
    assert (value.value, value.status, value.closed) == ("a", "streaming", False)
    value.append("b")
    assert value.value == "ab"
    value.done("z")
    assert (value.value, value.status, value.closed) == ("z", "done", True)


@pytest.mark.parametrize("thing", [None, True, 1, 1.5, "x", [], [1, [2]], {}, {"a": {"b": None}}])
def test_any_json_value_can_be_streamed(thing):
    assert StreamableValue(thing).value == thing
    assert StreamableValue().update(thing).value == thing


def test_models_and_dataclasses_travel_as_objects_and_come_back_as_given():
    city = City(name="Rome", people=3)
    value = StreamableValue(city)
    assert value.value is city
    assert value.log.value == {"name": "Rome", "people": 3}
    assert StreamableValue(Point(1, [2])).log.value == {"x": 1, "y": [2]}


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (object(), r"\$ is an object"),
        ({"a": [1, {2, 3}]}, r"\$\.a\[1\] is a set"),
        ({1: "a"}, r"\$ has the key 1, an int"),
        ([float("nan")], r"\$\[0\] is nan"),
        (b"bytes", r"\$ is a bytes"),
        (UUID(int=0), r"\$ is a UUID"),
    ],
)
def test_what_is_not_json_raises_with_its_type_and_path(thing, words):
    with pytest.raises(NotJSONError, match=words):
        StreamableValue(thing)
    value = StreamableValue("kept")
    with pytest.raises(NotJSONError, match=words):
        value.update(thing)
    assert value.value == "kept"
    assert value.status == "streaming"


@dataclasses.dataclass
class User:
    handle: str


def test_a_field_named_handle_makes_nothing_a_streamable():
    user = User("@ann")
    value = StreamableValue(user)
    user.handle = "@bob"
    assert value.log.value == {"handle": "@ann"}
    with pytest.raises(NotJSONError):
        StreamableValue(logging.StreamHandler())


def test_an_integer_that_no_page_can_hold_exactly_is_refused():
    assert StreamableValue(2**53 - 1).value == 2**53 - 1
    for number in (2**53, -(2**53), 10**5000):
        with pytest.raises(NotJSONError, match=r"\$\.n is an integer over"):
            StreamableValue({"n": number})


def test_a_value_that_holds_itself_raises():
    loop: list = []
    loop.append(loop)
    with pytest.raises(NotJSONError, match="too deeply"):
        StreamableValue(loop)


@pytest.mark.parametrize("verb", ["update", "append", "done", "error"])
@pytest.mark.parametrize("end", ["done", "error", "cancel", "interrupt"])
def test_every_write_after_the_end_raises_and_names_its_verb(verb, end):
    value = StreamableValue("a")
    getattr(value, end)()
    arguments = () if verb == "done" else ("x",)
    with pytest.raises(StreamClosedError, match=rf"\.{verb}\(\)"):
        getattr(value, verb)(*arguments)


def test_the_end_that_came_first_stays():
    value = StreamableValue("a").done()
    value.cancel()
    value.interrupt()
    assert value.status == "done"


def test_done_without_a_value_adds_nothing_and_done_none_sets_none():
    assert StreamableValue("a").done().value == "a"
    value = StreamableValue("a").done(None)
    assert value.value is None
    assert value.log.value is None
    assert StreamableValue().done().log.value is UNSET


def test_append_on_an_unset_value_sets_it():
    assert StreamableValue().append("a").append("b").value == "ab"
    assert StreamableValue().append([1]).append([2]).value == [1, 2]


def test_append_to_a_list_takes_items_or_one_item():
    value = StreamableValue([])
    value.append([1, 2]).append({"a": 1}).append("text")
    assert value.value == [1, 2, {"a": 1}, "text"]


@pytest.mark.parametrize(
    ("start", "piece", "words"),
    [
        ("a", 1, "int to str"),
        ("a", ["b"], "list to str"),
        ("a", None, "NoneType to str"),
        (1, "a", "str to int"),
        ({"a": 1}, "b", "str to dict"),
        (None, "b", "str to NoneType"),
    ],
)
def test_append_that_does_not_fit_raises_and_names_both_types(start, piece, words):
    value = StreamableValue(start)
    with pytest.raises(StreamTypeError, match=words):
        value.append(piece)
    assert value.value == start


def test_text_that_grows_by_update_is_an_append():
    value = StreamableValue("Hello")
    before = value.log.offset
    value.update("Hello, world").done("Hello, world!")
    change = value.log.read(before)
    assert (change.kind, change.content) == ("append", ", world!")


def test_the_same_value_again_is_no_change():
    value = StreamableValue({"a": [1, 2]})
    before = value.log.offset
    value.update({"a": [1, 2]})
    assert value.log.offset == before
    value.update({"a": [True, 2]})
    assert value.log.offset > before
    assert value.value == {"a": [True, 2]}


def test_changing_what_was_given_or_what_was_read_changes_no_stream():
    given = {"rows": [1]}
    value = StreamableValue(given)
    given["rows"].append(2)
    value.value["rows"].append(3)
    assert value.value == {"rows": [1]}
    value.update(given)
    assert value.value == {"rows": [1, 2]}


def test_a_surrogate_pair_split_between_appends_is_whole_again():
    value = StreamableValue("")
    value.append("a\ud83d")
    assert value.value == "a"
    value.append("\ude00b")
    assert value.value == "a😀b"
    assert StreamableValue("").append("x\ud83d").done().value == "x\ufffd"
    assert StreamableValue("\udc00").value == "\ufffd"


# -- as a Python value ---------------------------------------------------------------------


def test_ids_are_long_random_and_made_when_needed():
    first, second = StreamableValue("a"), StreamableValue("a")
    assert first.id != second.id
    assert len(first.id) >= 22
    assert StreamableValue("a").done().handle()["$stream"] == ""


def test_the_handle_of_a_live_one_is_a_reference_and_of_an_ended_one_the_value():
    value = StreamableValue("long text")
    assert value.handle() == {"$stream": value.id}
    value.done()
    assert value.handle() == {"$stream": value.id, "status": "done", "value": "long text"}


def test_an_error_in_a_handle_has_a_safe_sentence_only():
    handle = StreamableValue("part").error(ValueError("sk-secret")).handle()
    assert handle["value"] == "part"
    assert handle["error"]["code"] == "internal"
    assert "secret" not in str(handle)
    assert len(handle["error"]["reference"]) == 8


def test_a_sentence_given_to_error_is_shown_as_it_stands():
    assert StreamableValue().error("No such city.").handle()["error"]["message"] == "No such city."


def test_the_log_has_a_line_of_what_a_provider_did_and_all_of_what_nobody_expected(caplog):
    caplog.set_level("INFO", "streamui")
    for cause in (ModelError("slow down", code="rate_limited"), ValueError("a bug")):
        try:
            raise cause
        except Exception as error:
            StreamableValue().error(error)
    expected, unexpected = (record.message for record in caplog.records)
    assert expected.endswith("]: rate_limited: slow down")
    assert "Traceback" in unexpected


def test_an_error_without_a_cause_still_arrives():
    value = StreamableValue("a").error()
    assert value.status == "error"
    assert value.failure is not None


def test_an_open_one_unpickles_to_itself_while_it_lives():
    value = StreamableValue("a")
    assert pickle.loads(pickle.dumps(value)) is value


def test_an_ended_one_unpickles_to_an_equal_one():
    value = StreamableValue({"a": 1}).done()
    again = pickle.loads(pickle.dumps(value))
    assert again is not value
    assert again == value
    assert again.value == {"a": 1}


def test_one_whose_producer_died_with_its_process_is_interrupted():
    value = StreamableValue("half")
    saved = pickle.dumps(value)
    name = value.id
    del value
    gc.collect()
    again = pickle.loads(saved)
    assert (again.id, again.value, again.status) == (name, "half", "interrupted")


def test_a_model_survives_pickling():
    again = pickle.loads(pickle.dumps(StreamableValue(City(name="Rome")).done()))
    assert again.value == City(name="Rome")


def test_a_model_of_a_class_that_cannot_be_found_again_survives_as_its_json():
    class Local(pydantic.BaseModel):
        name: str

    again = pickle.loads(pickle.dumps(StreamableValue(Local(name="Rome")).done()))
    assert again.value == {"name": "Rome"}


def test_an_open_default_is_copied_afresh_and_an_ended_one_is_shared():
    value = StreamableValue(["a"])
    other = copy.deepcopy(value)
    other.append("b")
    assert value.value == ["a"]
    assert other.id != value.id
    ended = StreamableValue("a").done()
    assert copy.deepcopy(ended) is ended
    assert copy.copy(value) is value


def test_equality_is_of_streams_or_of_how_they_ended():
    a, b = StreamableValue("x"), StreamableValue("x")
    assert a == a
    assert a != b
    a.done()
    b.done()
    assert a == b
    assert a != StreamableValue("x").cancel()
    assert a != "x"
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)


def test_repr_shows_value_and_status_shortly():
    assert repr(StreamableValue("x" * 99).done()).startswith("<StreamableValue 'xxx")
    assert len(repr(StreamableValue("x" * 99))) < 80
    assert repr(StreamableValue()) == "<StreamableValue unset streaming>"


# -- from a source -------------------------------------------------------------------------


async def numbers(*items, then=None):
    for item in items:
        yield item
        await asyncio.sleep(0)
    if then is not None:
        raise then


async def until_closed(value):
    while not value.closed:
        await asyncio.sleep(0)


async def test_text_of_a_source_is_appended_and_its_end_is_done():
    value = StreamableValue.from_source(numbers("a", "b", "c"))
    await until_closed(value)
    assert (value.value, value.status) == ("abc", "done")


async def test_other_values_of_a_source_replace_each_other():
    value = StreamableValue.from_source(numbers({"a": 1}, {"a": 2}))
    await until_closed(value)
    assert value.value == {"a": 2}


async def test_a_source_that_raises_is_an_error_and_keeps_what_came():
    value = StreamableValue.from_source(numbers("a", then=ValueError("broken")))
    await until_closed(value)
    assert (value.value, value.status) == ("a", "error")
    assert isinstance(value.log.cause, ValueError)


@pytest.mark.parametrize("verb", ["update", "append", "done", "error"])
async def test_one_that_follows_a_source_is_locked(verb):
    value = StreamableValue.from_source(numbers("a"))
    with pytest.raises(StreamLockedError, match=rf"\.{verb}\(\): the stream is locked"):
        getattr(value, verb)(*(() if verb == "done" else ("x",)))
    await until_closed(value)


async def test_cancelling_one_that_follows_a_source_closes_the_source():
    closed = asyncio.Event()

    async def endless():
        try:
            while True:
                yield "x"
                await asyncio.sleep(0)
        finally:
            closed.set()

    value = StreamableValue.from_source(endless())
    while not value.value:
        await asyncio.sleep(0)
    value.cancel()
    async with asyncio.timeout(5):
        await closed.wait()
    assert value.status == "cancelled"


async def test_what_a_source_still_gives_after_a_stop_is_not_written():
    value = StreamableValue.from_source(numbers("a", "b"))
    value.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert value.log.value is UNSET
    assert value.status == "cancelled"


def test_a_source_must_be_an_async_iterable():
    with pytest.raises(StreamTypeError, match="not list"):
        StreamableValue.from_source([1, 2])  # pyright: ignore[reportArgumentType]


def test_a_source_needs_a_loop():
    with pytest.raises(RuntimeError, match="no running event loop"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the coroutine that could not be started
        StreamableValue.from_source(numbers("a"))


# -- left open -----------------------------------------------------------------------------


class Clock:
    """Time that the test moves; stands in for the event loop's timers, too."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.timers = []
        monkeypatch.setattr(settings, "open_warning", 60.0)
        for module in (watch, writer):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(watch.asyncio, "get_running_loop", lambda: self)
        warnings.simplefilter("always")

    def call_later(self, delay, function, *arguments):
        self.timers.append((self.now + delay, function, arguments))

    def advance(self, seconds):
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer not in due]
        for _, function, arguments in due:
            function(*arguments)


class Owner:
    def adopt(self, opened):
        return True

    def release(self, opened):
        pass

    def stop(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_one_left_open_warns_once_and_names_the_line_that_made_it(clock, recwarn):
    value = StreamableValue("forgotten")  # this line
    line = inspect.stack()[0].lineno - 1
    clock.advance(59)
    assert not recwarn.list
    clock.advance(1)
    (warning,) = recwarn.list
    assert warning.category is LeftOpenWarning
    assert f"{__file__}:{line}" in str(warning.message)
    clock.advance(1000)
    assert len(recwarn.list) == 1
    value.done()


def test_each_write_puts_the_warning_off(clock, recwarn):
    value = StreamableValue("")
    for _ in range(10):
        clock.advance(50)
        value.append("x")
    assert not recwarn.list
    clock.advance(60)
    assert len(recwarn.list) == 1
    value.done()


def test_ended_ones_and_those_of_a_running_function_never_warn(clock, recwarn):
    StreamableValue("a").done()
    later = StreamableValue("b")
    token = current_scope.set(Owner())
    owned = StreamableValue("c")
    current_scope.reset(token)
    later.done()
    clock.advance(10_000)
    assert not recwarn.list
    assert not clock.timers
    owned.done()


def test_the_warning_can_be_turned_off(clock, monkeypatch, recwarn):
    monkeypatch.setattr(settings, "open_warning", 0.0)
    value = StreamableValue("a")
    assert not clock.timers
    value.done()


def test_readers_of_one_that_nobody_can_write_to_any_more_hear_its_end():
    value = StreamableValue("half")
    log = value.log
    del value
    gc.collect()
    assert log.status == "interrupted"
