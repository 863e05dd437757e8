"""``consume_event_stream`` of a URL whose connection is cut, refused, slow or ended."""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import streamui as ui
from streamui.http import backoff, reader
from tests.http.event_server import END, HEAD, EventServer, Exchange, answer, chunk

WPT: list[dict[str, Any]] = json.loads((Path(__file__).parent / "sse_wpt.json").read_text())
WORDS = ["żółć", "\U0001f469\u200d\U0001f4bb", "two\nlines", "", "end"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui.settings, "reconnect_delay", 0.0005)


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the reader asks its waiting for; it never waits."""
    asked: list[dict[str, Any]] = []

    def no_delay(failures: int, **given: Any) -> float:
        asked.append({"failures": failures, **given})
        return 0.0

    monkeypatch.setattr(reader, "delay", no_delay)
    return asked


@pytest.fixture(autouse=True)
async def nothing_is_left() -> AsyncIterator[None]:
    yield
    async with asyncio.timeout(5):
        while asyncio.all_tasks() != {asyncio.current_task()}:
            await asyncio.sleep(0.001)


def block(number: int) -> bytes:
    lines = [f"id: {number}", *(f"data: {line}" for line in WORDS[number - 1].split("\n")), "", ""]
    return "\r\n".join(lines).encode()


def rest(after: str) -> bytes:
    """A whole response: what comes after an event."""
    numbers = range(int(after or 0) + 1, len(WORDS) + 1)
    return b"".join([HEAD, chunk(b": hello\n\n"), *(chunk(block(each)) for each in numbers), END])


def cutting(*cuts: int | None, reset: bool = False) -> Callable[[Exchange], Awaitable[None]]:
    """Answer with the rest, each time cut after so many bytes; whole when there is no more."""
    left = list(cuts)

    async def handle(exchange: Exchange) -> None:
        cut = left.pop(0) if left else None
        await exchange.send(rest(exchange.last_event_id)[:cut])
        if reset and cut is not None:
            exchange.cut()

    return handle


async def read(url: str, **options: Any) -> list[str]:
    return [event.data async for event in ui.consume_event_stream(url, **options)]


# -- cuts -------------------------------------------------------------------------------------


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


# -- how often, and after how long ------------------------------------------------------------


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


# -- what the server answers ------------------------------------------------------------------


async def asked(*responses: bytes) -> tuple[list[str] | Exception, int]:
    """Read from a server that gives these responses, and then the stream."""
    left = list(responses)

    async def handle(exchange: Exchange) -> None:
        await exchange.send(left.pop(0) if left else rest(exchange.last_event_id))

    async with EventServer(handle) as server:
        try:
            return await read(server.url), len(server.exchanges)
        except ui.StreamUIError as error:
            return error, len(server.exchanges)


async def test_no_content_is_the_end() -> None:
    assert await asked(answer("204 No Content")) == ([], 1)
    cut = rest("")[: rest("").index(b"id: 2")]
    assert await asked(cut, answer("204 No Content")) == (WORDS[:1], 2)


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
async def test_a_stream_that_is_not_there_is_not_found(status: str) -> None:
    error, times = await asked(answer(status, body=b"secret words of the server"))
    assert isinstance(error, ui.StreamNotFoundError)
    assert "secret" not in str(error)
    assert times == 1


@pytest.mark.parametrize("status", [201, 205, 210, 299, 400, 401, 403, 405, 451, 501, 505])
async def test_any_other_status_is_an_error_that_names_it(status: int) -> None:
    event = b"data: data\n\n" if status != 205 else b""
    response = answer(f"{status} X", "content-type: text/event-stream", body=event)
    error, times = await asked(response)
    assert isinstance(error, ui.StreamConnectionError)
    assert error.status == status
    assert times == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
async def test_a_server_that_is_busy_is_asked_again(status: int) -> None:
    busy = answer(f"{status} Busy", "retry-after: 0")
    assert await asked(busy, busy) == (WORDS, 3)
    error, times = await asked(*[busy] * 9)
    assert isinstance(error, ui.StreamConnectionError)
    assert (error.status, times) == (status, 5)


async def test_fault_32_retry_after_is_obeyed_and_too_long_a_wait_is_an_error(delays: Any) -> None:
    assert await asked(answer("429 Too Many", "retry-after: 1")) == (WORDS, 2)
    assert delays == [{"failures": 1, "retry": None, "retry_after": 1.0}]
    error, times = await asked(answer("429 Too Many", "retry-after: 121"))
    assert isinstance(error, ui.StreamConnectionError)
    assert (error.status, error.retry_after, times) == (429, 121, 1)


@pytest.mark.parametrize(
    "kind", ["text/html; charset=utf-8", "text/x-bogus", "x bogus", "application/json", None]
)
async def test_something_else_with_status_200_is_a_protocol_error(kind: str | None) -> None:
    headers = [f"content-type: {kind}"] if kind else []
    error, times = await asked(answer("200 OK", *headers, body=b"data: data\n\n"))
    assert isinstance(error, ui.ProtocolError)
    assert "instead of text/event-stream" in str(error)
    assert times == 1


@pytest.mark.parametrize(
    "case",
    [case for case in WPT if case["level"] == "network" and "content_type" in case],
    ids=lambda case: case["name"],
)
async def test_web_platform_case_of_a_content_type(case: dict[str, Any]) -> None:
    body = bytes.fromhex(case["input_hex"])
    found, _ = await asked(answer("200 OK", f"content-type: {case['content_type']}", body=body))
    if case["expected"]:
        assert found == [event["data"] for event in case["expected"]]
    else:
        assert isinstance(found, ui.ProtocolError)


async def test_an_answer_that_is_no_http_is_asked_for_again_and_then_given_up() -> None:
    error, times = await asked(*[b"SSH-2.0-OpenSSH_9.2\r\n\r\n"] * 9)
    assert isinstance(error, ui.StreamConnectionError)
    assert times == 5


async def test_an_id_that_no_header_can_carry_is_a_protocol_error() -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.send(HEAD, chunk(b"id: a\x0bb\ndata: x\n\n"))

    async with EventServer(handle) as server:
        with pytest.raises(ui.ProtocolError, match="LocalProtocolError"):
            await read(server.url)


async def test_an_id_with_spaces_around_it_is_sent_without_them() -> None:
    async def handle(exchange: Exchange) -> None:
        if exchange.last_event_id == "a b":
            await exchange.send(HEAD, END)
        else:
            await exchange.send(HEAD, chunk(b"id:  a b \ndata: x\n\n"))

    async with EventServer(handle) as server:
        assert await read(server.url) == ["x"]


# -- a stream that is followed for ever -------------------------------------------------------


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
