import asyncio
import itertools

import pytest

from streamui.errors import (
    NotStreamableError,
    StreamCancelledError,
    StreamInterruptedError,
    StreamNotFoundError,
    StreamUIError,
)
from streamui.streamable.reader import read_streamable
from streamui.streamable.value import StreamableValue


async def collect(source):
    return [value async for value in read_streamable(source)]


async def write(value, *steps):
    """Write step by step, giving readers a turn after each."""
    for step in steps:
        step(value)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_a_reader_gets_each_value_and_then_the_end():
    value = StreamableValue("")
    reading = asyncio.create_task(collect(value))
    await asyncio.sleep(0)
    await write(value, *(lambda v, w=w: v.append(w) for w in "abc"), lambda v: v.done())
    assert await reading == ["", "a", "ab", "abc"]


async def test_an_unset_value_is_skipped_and_an_empty_one_is_not():
    assert await collect(StreamableValue().done()) == []
    assert await collect(StreamableValue("").done()) == [""]
    assert await collect(StreamableValue().done(None)) == [None]


async def test_mixed_types_arrive_in_order():
    value = StreamableValue(1)
    reading = asyncio.create_task(collect(value))
    await asyncio.sleep(0)
    await write(
        value,
        lambda v: v.update("two"),
        lambda v: v.update([3]),
        lambda v: v.append(4),
        lambda v: v.done({"five": 5}),
    )
    assert await reading == [1, "two", [3], [3, 4], {"five": 5}]


async def test_values_before_an_error_come_first_and_the_error_is_the_one_given():
    value = StreamableValue("a")
    cause = KeyError("as it is")
    value.append("b")
    value.error(cause)
    got = []
    with pytest.raises(KeyError) as caught:
        async for item in read_streamable(value):
            got.append(item)
    assert got == ["ab"]
    assert caught.value is cause


async def test_a_late_reader_gets_the_value_and_the_error_too():
    value = StreamableValue("a")
    value.error(ValueError("late"))
    for _ in range(2):
        with pytest.raises(ValueError, match="late"):
            await collect(value)


@pytest.mark.parametrize(
    ("end", "error"), [("cancel", StreamCancelledError), ("interrupt", StreamInterruptedError)]
)
async def test_a_stop_and_an_interruption_are_heard(end, error):
    value = StreamableValue("half")
    getattr(value, end)()
    got = []
    with pytest.raises(error):
        async for item in read_streamable(value):
            got.append(item)
    assert got == ["half"]


async def test_many_readers_read_the_same_at_their_own_pace():
    value = StreamableValue("")
    readers = [asyncio.create_task(collect(value)) for _ in range(20)]
    await asyncio.sleep(0)
    await write(value, *(lambda v, w=w: v.append(w) for w in "streaming"))
    late = asyncio.create_task(collect(value))
    await asyncio.sleep(0)
    value.done()
    for values in await asyncio.gather(*readers, late):
        assert values[-1] == "streaming"
        assert all(b.startswith(a) for a, b in itertools.pairwise(values))


async def test_a_slow_reader_gets_merged_values_and_loses_nothing():
    value = StreamableValue("")
    reader = read_streamable(value)
    assert await anext(reader) == ""
    for i in range(1000):
        value.append(str(i % 10))
    value.done()
    assert [item async for item in reader] == ["0123456789" * 100]


async def test_a_reader_that_leaves_leaves_nothing_behind():
    value = StreamableValue("a")
    reader = read_streamable(value)
    await anext(reader)
    assert len(value.log._listeners) == 1
    await reader.aclose()
    assert value.log._listeners == ()
    value.done()


async def test_a_write_from_a_thread_wakes_the_reader():
    value = StreamableValue("")
    reading = asyncio.create_task(collect(value))
    await asyncio.sleep(0)

    def produce():
        for _ in range(1000):
            value.append("x")
        value.done()

    await asyncio.to_thread(produce)
    async with asyncio.timeout(5):
        assert (await reading)[-1] == "x" * 1000


async def test_a_handle_reads_as_its_streamable():
    value = StreamableValue("a")
    reading = asyncio.create_task(collect(value.handle()))
    await asyncio.sleep(0)
    value.done("b")
    assert (await reading)[-1] == "b"
    assert await collect(value.handle()) == ["b"]


async def test_the_handle_of_a_failed_one_raises_its_safe_sentence():
    handle = StreamableValue("a").error(ValueError("secret")).handle()
    with pytest.raises(StreamUIError, match="Something went wrong"):
        await collect(handle)
    with pytest.raises(StreamCancelledError):
        await collect(StreamableValue("a").cancel().handle())


async def test_an_unknown_handle_raises_not_found():
    with pytest.raises(StreamNotFoundError):
        await collect({"$stream": "nobody-has-this-one"})


@pytest.mark.parametrize("thing", ["text", 1, None, {"a": 1}, object()])
async def test_reading_what_is_no_streamable_raises_and_names_its_type(thing):
    with pytest.raises(NotStreamableError, match=type(thing).__name__):
        await collect(thing)


async def test_a_handle_whose_value_the_page_holds_is_read_here():
    value = StreamableValue("a text that no page is sent twice").done()
    handle = {"$stream": value.id, "status": "done", "held": 1}  # as a page has it
    assert [each async for each in read_streamable(handle)] == [value.value]


async def test_a_handle_with_a_status_that_there_is_not_is_refused():
    with pytest.raises(NotStreamableError, match="no status 'bogus'"):
        await anext(read_streamable({"$stream": "a", "status": "bogus", "value": 1}))
