"""How much may be open at once, and what one too many is told."""

import asyncio
import copy
import gc
import pickle

import pytest

from streamui.errors import LimitError
from streamui.server.limits import counted
from streamui.server.run import Run
from streamui.settings import settings
from streamui.streamable import quota
from streamui.streamable.quota import Quota, open_streams
from streamui.streamable.value import StreamableValue

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def few(monkeypatch):
    gc.collect()
    monkeypatch.setattr(settings, "streams_per_page", 3)
    monkeypatch.setattr(settings, "streams_open", len(open_streams) + 10)


@pytest.fixture
def page(monkeypatch):
    """Says whose the streams are that are made."""
    names = ["page"]
    monkeypatch.setattr(quota, "page_finders", [lambda: names[0]])
    return names


def test_a_page_may_open_so_many_streams_and_no_more(page):
    values = [StreamableValue("") for _ in range(3)]
    with pytest.raises(LimitError) as caught:
        StreamableValue("")
    assert (caught.value.setting, caught.value.limit) == ("streams_per_page", 3)
    assert caught.value.retry_after == settings.client_retry
    assert str(caught.value) == (
        "streams_per_page is 3, and is reached; STREAMUI_STREAMS_PER_PAGE sets it"
    )
    values.pop().done()
    values.append(StreamableValue(""))
    for value in values:
        value.cancel()
    assert open_streams.of("page") == 0


@pytest.mark.parametrize("end", ["done", "error", "cancel", "interrupt", "dropped"])
def test_each_end_gives_its_place_back_once(page, end):
    value = StreamableValue("")
    assert open_streams.of("page") == 1
    if end == "dropped":
        del value
        gc.collect()
    else:
        getattr(value, end)()
        value.cancel()
    assert open_streams.of("page") == 0
    assert "page" not in open_streams._owners


def test_what_was_refused_or_is_no_json_takes_no_place(page):
    values = [StreamableValue("") for _ in range(2)]
    with pytest.raises(TypeError):
        StreamableValue(object())
    assert open_streams.of("page") == 2
    values.append(StreamableValue(""))
    with pytest.raises(LimitError):
        StreamableValue("")
    gc.collect()
    assert open_streams.of("page") == 3
    for value in values:
        value.done()


async def test_what_is_not_begun_leaves_its_source_alone(page):
    begun = []

    async def source():
        begun.append(True)
        yield "x"

    values = [StreamableValue("") for _ in range(3)]
    unread = source()
    before = asyncio.all_tasks()
    with pytest.raises(LimitError):
        StreamableValue.from_source(unread)
    assert asyncio.all_tasks() == before
    await unread.aclose()
    assert not begun
    for value in values:
        value.done()


def test_one_page_at_its_limit_does_not_hold_another_up(page):
    values = [StreamableValue("") for _ in range(3)]
    page[0] = "another"
    values.append(StreamableValue(""))
    for value in values:
        value.done()


def test_all_pages_together_have_a_limit_and_so_has_who_has_no_page(page):
    values = []
    for number in range(3):
        page[0] = f"page {number}"
        values += [StreamableValue("") for _ in range(3)]
    page[0] = ""
    values.append(StreamableValue(""))
    with pytest.raises(LimitError, match="streams_open"):
        StreamableValue("")
    for value in values:
        value.done()


def test_zero_is_no_limit(page, monkeypatch):
    monkeypatch.setattr(settings, "streams_per_page", 0)
    monkeypatch.setattr(settings, "streams_open", 0)
    for value in [StreamableValue("") for _ in range(50)]:
        value.done()


def test_a_saved_state_is_restored_and_copied_at_the_limit(page):
    ended = StreamableValue("ended").done()
    saved = pickle.dumps(ended)
    values = [StreamableValue("") for _ in range(3)]
    assert pickle.loads(saved).value == "ended"
    # The default of a state that just comes into being.
    values.append(copy.deepcopy(values[0]))
    assert open_streams.of("page") == 4
    for value in values:
        value.done()
    assert open_streams.of("page") == 0


async def test_a_run_that_opens_too_many_fails_with_the_sentence_and_leaves_nothing_open(caplog):
    made = []

    async def ask():
        for _ in range(5):
            made.append(StreamableValue("part"))
            yield

    run = Run("State.ask", "page")
    await run.drive(ask, lambda item: asyncio.sleep(0))
    assert len(made) == 3
    assert {value.status for value in made} == {"error"}
    assert {(value.failure.code, value.failure.sentence) for value in made} == {
        ("limit", "That is more than this server allows at once. Try again in a moment.")
    }
    assert isinstance(made[0].log.cause, LimitError)
    assert "streams_per_page is 3" in caplog.text
    assert open_streams.of("page") == 0


async def test_threads_that_open_and_end_at_once_are_counted_exactly(page, monkeypatch):
    monkeypatch.setattr(settings, "streams_per_page", 0)
    monkeypatch.setattr(settings, "streams_open", 0)
    before = len(open_streams)

    def work():
        for _ in range(300):
            StreamableValue("").append("x").done()

    await asyncio.gather(*(asyncio.to_thread(work) for _ in range(8)))
    assert (open_streams.of("page"), len(open_streams)) == (0, before)


def test_a_quota_counts_as_long_as_something_lasts(monkeypatch):
    monkeypatch.setattr(settings, "connections_per_client", 1)
    monkeypatch.setattr(settings, "connections", 2)
    connections = Quota("connections_per_client", "connections")
    with counted(connections, "a"), counted(connections, "b"):
        with pytest.raises(LimitError, match="connections is 2"), counted(connections, "c"):
            pass
        assert len(connections) == 2
    with pytest.raises(ValueError), counted(connections, "a"):
        with pytest.raises(LimitError, match="connections_per_client"), counted(connections, "a"):
            pass
        raise ValueError
    assert len(connections) == 0
