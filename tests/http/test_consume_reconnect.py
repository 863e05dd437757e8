"""``consume_event_stream`` of a URL whose connection is cut, or ends."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

import streamui as ui
from streamui.http import backoff, reader
from tests.http.event_server import (
    END,
    HEAD,
    WORDS,
    EventServer,
    Exchange,
    answer,
    asked,
    block,
    chunk,
    cutting,
    read,
    rest,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_task_is_left", "quick_reconnect")]


@pytest.mark.parametrize("reset", [False, True])
async def test_fault_01_a_cut_at_every_byte_gives_the_same_events_once(reset: bool) -> None:
    handle: Callable[[Exchange], Awaitable[None]]

    async def current(exchange: Exchange) -> None:
        await handle(exchange)

    # The last byte of the end is the response's own: without it, it was cut too.
    async with EventServer(current) as server, httpx.AsyncClient() as client:
        for cut in range(len(rest(""))):
            handle = cutting(cut, reset=reset)
            asked = len(server.exchanges)
            assert await read(server.url, client=client) == WORDS
            assert len(server.exchanges) == asked + 2


async def test_fault_02_five_random_cuts_give_the_same_events_once() -> None:
    for seed in range(20):
        chance = random.Random(seed)
        cuts = [chance.randrange(len(rest(""))) for _ in range(5)]
        async with EventServer(cutting(*cuts, reset=chance.random() < 0.5)) as server:
            try:
                assert await read(server.url) == WORDS
            except ui.StreamUIError:  # five in a row that ended before the first event
                assert len(server.exchanges) == ui.settings.reconnect_attempts


async def test_the_reader_goes_on_after_the_last_whole_event() -> None:
    whole = rest("")
    async with EventServer(cutting(whole.index(b"id: 3") + 3)) as server:
        stream = ui.consume_event_stream(server.url)
        ids = [event.id async for event in stream]
        assert ids == ["1", "2", "3", "4", "5"]
        assert stream.last_event_id == "5"
        assert [each.last_event_id for each in server.exchanges] == ["", "2"]


async def test_an_id_without_an_event_counts_and_an_unfinished_one_does_not() -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.last_event_id == "…8":
            await exchange.send(HEAD, chunk(b"data: x\n\n"), END)
        else:
            await exchange.send(HEAD, chunk("id: …8\n\nid: 9\ndata: lost\n".encode()))

    async with EventServer(handle) as server:
        assert await read(server.url) == ["x"]


async def test_a_later_process_goes_on_where_this_one_was() -> None:
    async with EventServer(cutting()) as server:
        assert await read(server.url, last_event_id="3") == WORDS[3:]


async def test_without_ids_a_cut_is_an_error_and_nothing_comes_twice() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD, chunk(b"data: x\n\n"))

    seen: list[str] = []
    async with EventServer(handle) as server:
        with pytest.raises(ui.StreamInterruptedError):
            await ui.consume_event_stream(server.url, lambda event: seen.append(event.data))
        assert seen == ["x"]
        assert len(server.exchanges) == 1


async def test_without_the_expected_mark_the_rest_is_asked_for() -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.last_event_id:
            await exchange.send(HEAD, chunk(b"data: [DONE]\n\n"), END)
        else:
            await exchange.send(HEAD, chunk(b"id: 1\ndata: x\n\n"), END)

    async with EventServer(handle) as server:
        assert await read(server.url, expect_done=True) == ["x"]
        assert len(server.exchanges) == 2
        assert await read(server.url) == ["x"]
        assert len(server.exchanges) == 3


async def test_fault_06_a_connection_that_fell_silent_is_cut_and_resumed() -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.last_event_id:
            await exchange.send(rest(exchange.last_event_id))
        else:
            await exchange.send(HEAD, chunk(block(1)))
            await exchange.gone()

    async with EventServer(handle) as server:
        assert await read(server.url, idle_timeout=0.05) == WORDS


# -- how often, and after how long ----------------------------------------------------------------


async def test_a_reader_gives_up_after_five_connections_without_an_event(delays: Any) -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.last_event_id == "":
            await exchange.send(HEAD, chunk(block(1)))

    async with EventServer(handle) as server:
        with pytest.raises(ui.StreamInterruptedError):
            await read(server.url)
        assert len(server.exchanges) == 1 + 5
    assert [each["failures"] for each in delays] == [0, 1, 2, 3, 4]


async def test_an_event_gives_the_reader_all_its_attempts_back(delays: Any) -> None:
    head = rest("").index(b"id: 1") - 4
    async with EventServer(cutting(0, 5, head, 9, 250, 0, 1, 2, 3)) as server:
        assert await read(server.url) == WORDS
    assert [each["failures"] for each in delays] == [1, 2, 3, 4, 0, 1, 2, 3, 4]


async def test_nobody_there_is_a_connection_error(delays: Any) -> None:
    async with EventServer(cutting()) as server:
        url = server.url
    with pytest.raises(ui.StreamConnectionError) as raised:
        await read(f"{url}?token=secret")
    assert raised.value.status is None
    assert "secret" not in str(raised.value)
    assert len(delays) == 4


async def test_the_server_says_how_long_to_wait(delays: Any) -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.last_event_id:
            await exchange.send(rest(exchange.last_event_id))
        else:
            await exchange.send(HEAD, chunk(b"retry: 03000\nretry: 1000x\n" + block(1)))

    async with EventServer(handle) as server:
        assert await read(server.url) == WORDS
    assert delays == [{"failures": 0, "retry": 3000}]


def test_the_wait_doubles_with_each_failure_and_has_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ui.settings, "reconnect_delay", 0.5)
    for failures, least in [(0, 0.5), (1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (8, 64)]:
        for _ in range(50):
            assert least <= backoff.delay(failures) <= least * 1.25
    assert backoff.delay(100) == 120
    # The server's own wish, which WPT allows to be off by a quarter.
    assert 3 <= backoff.delay(0, retry=3000) <= 3.75
    assert 3 <= backoff.delay(1, retry=3000) <= 3.75
    assert 6 <= backoff.delay(2, retry=3000) <= 7.5
    assert backoff.delay(0, retry=0) == 0
    assert backoff.delay(1, retry=0) >= 0.5
    assert backoff.delay(0, retry=10**15) == 120
    assert backoff.delay(1, retry_after=30) == 30
    assert len({backoff.delay(3) for _ in range(20)}) > 1


def test_retry_after_is_seconds_or_a_date() -> None:
    assert backoff.read_retry_after("7") == 7
    later = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 58 <= (backoff.read_retry_after(later) or 0) <= 61
    assert backoff.read_retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    for nothing in ("", "soon", "-5", "٣", "1.5", "Thu, 01 Jan 99999 00:00:00 GMT"):
        assert backoff.read_retry_after(nothing) is None


# -- a stream that is followed for ever -----------------------------------------------------------


async def test_following_goes_on_after_each_end_until_the_server_says_stop() -> None:
    answers = [
        rest("3"),
        HEAD + chunk(b"retry: 0\n\n") + END,
        HEAD + END,
        *[HEAD + END] * 7,  # it has nothing to say, which is no failure
        HEAD + chunk(b"data: without an id\n\n"),
        answer("204 No Content"),
    ]

    async def handle(exchange: Exchange) -> None:
        await exchange.send(answers.pop(0))

    async with EventServer(handle) as server:
        assert await read(server.url, follow=True) == ["", "end", "without an id"]
        assert server.exchanges[-1].last_event_id == "5"
    assert not answers


async def test_following_ends_at_the_mark_too() -> None:
    async def handle(exchange: Exchange) -> None:
        done = b"data: [DONE]\n\n" if exchange.last_event_id else b""
        await exchange.send(HEAD, chunk(b"id: 1\ndata: x\n\n" + done), END)

    async with EventServer(handle) as server:
        assert await read(server.url, follow=True) == ["x", "x"]


async def test_a_quiet_connection_that_lived_long_is_no_failure(
    delays: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_STEADY", 0.0)
    quiet = HEAD + chunk(b": still here\n\n")
    assert await asked(*[quiet] * 9) == (WORDS, 10)
    assert {each["failures"] for each in delays} == {0}
