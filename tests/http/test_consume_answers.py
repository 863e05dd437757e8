"""``consume_event_stream`` of a URL: what the server may answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import streamui as ui
from tests.http.event_server import (
    END,
    HEAD,
    WORDS,
    EventServer,
    Exchange,
    answer,
    asked,
    chunk,
    read,
    rest,
)

pytestmark = pytest.mark.usefixtures("no_task_is_left", "quick_reconnect")

WPT: list[dict[str, Any]] = json.loads((Path(__file__).parent / "sse_wpt.json").read_text())


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
