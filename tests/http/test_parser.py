"""The event stream parser against the web platform tests and against the standard's own words.

``sse_wpt.json`` is made from github.com/web-platform-tests/wpt, folder ``eventsource/`` (3-Clause
BSD licence); each case names its file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamui.errors import ProtocolError
from streamui.http.event import ServerSentEvent
from streamui.http.parser import EventStreamParser
from tests.http.parsing import parse, pieces, single_bytes

WPT: list[dict[str, Any]] = json.loads((Path(__file__).parent / "sse_wpt.json").read_text())
CASES = [each for each in WPT if each["level"] == "parser"]


# -- the web platform tests -----------------------------------------------------------------------


def of_wpt(chunks: Iterable[bytes], case: dict[str, Any]) -> None:
    parser = EventStreamParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    assert [{"event": e.event, "data": e.data, "id": e.id} for e in events] == case["expected"]
    assert parser.retry == case.get("retry")
    assert parser.last_event_id == case.get("final_last_event_id", parser.last_event_id)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_web_platform_case_however_it_is_cut(case: dict[str, Any]) -> None:
    stream = bytes.fromhex(case["input_hex"])
    of_wpt([stream], case)
    of_wpt(single_bytes(stream), case)
    for cut in range(len(stream) + 1):
        of_wpt([stream[:cut], stream[cut:]], case)


def test_all_web_platform_cases_are_there() -> None:
    assert len(CASES) == 27


# -- the standard, word by word -------------------------------------------------------------------


def by_the_standard(stream: bytes) -> list[ServerSentEvent]:
    """9.2.6, as it is written, of a whole stream: decode, split, interpret."""
    text = stream.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    events: list[ServerSentEvent] = []
    data = kind = last_id = ""
    retry = None
    for line in re.split("\r\n|\r|\n", text)[:-1]:  # what follows the last end is no line
        if line == "":
            if data:
                events.append(ServerSentEvent(data[:-1], kind or "message", last_id, retry))
            data, kind, retry = "", "", None
            continue
        field, colon, value = line.partition(":")
        if colon and not field:
            continue
        value = value[1:] if value.startswith(" ") else value
        match field:
            case "data":
                data += value + "\n"
            case "event":
                kind = value
            case "id" if "\0" not in value:
                last_id = value
            case "retry" if re.fullmatch("[0-9]+", value):
                retry = int(value)
            case _:
                pass
    return events


SNIPPETS = [b"data", b"id", b"event", b"retry", b"dataa", b":", b" ", b"\n", b"\r", b"\r\n", b"\0"]
SNIPPETS += [b"\xef\xbb\xbf", b"7", b"-", b"\x0b\x0c\x1c\x85", b"\xff", b"\xed\xa0", b"\n\n"]
SNIPPETS += [b"data:", b"data: x\n", b"id: 1\n", "\u0661\u2028\u0085\xe9\U0001f469".encode()]
streams = st.lists(st.sampled_from(SNIPPETS) | st.binary(max_size=3), max_size=40).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(streams, st.data())
def test_any_bytes_in_any_pieces_give_what_the_standard_says(stream: bytes, data: Any) -> None:
    expected = by_the_standard(stream)
    cuts = data.draw(st.lists(st.integers(0, len(stream))))
    assert parse([stream]) == expected
    assert parse(pieces(stream, cuts)) == expected
    assert parse(single_bytes(stream)) == expected


# -- round trip -----------------------------------------------------------------------------------


def encode(event: ServerSentEvent, end: str) -> str:
    """A server of its own, that knows no more than the format."""
    lines = [f"id: {event.id}"]
    if event.event != "message":
        lines.append(f"event: {event.event}")
    if event.retry is not None:
        lines.append(f"retry: {event.retry}")
    lines += [f"data: {line}" for line in event.data.split("\n")]
    return "".join(line + end for line in [*lines, ""])


# Anything but surrogates, which UTF-8 cannot say, and what would end the line.
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
word = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))
events = st.builds(
    ServerSentEvent,
    data=text,
    event=word.map(lambda name: name or "message"),
    id=word,
    retry=st.none() | st.integers(0, 10**15 - 1),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(events, max_size=5), st.sampled_from(["\n", "\r", "\r\n"]), st.data())
def test_what_was_encoded_comes_out(sent: list[ServerSentEvent], end: str, data: Any) -> None:
    stream = "".join(encode(event, end) for event in sent).encode()
    cuts = data.draw(st.lists(st.integers(0, len(stream))))
    assert parse(pieces(stream, cuts)) == sent
    # The standard takes one mark away, and no more.
    assert parse(pieces(b"\xef\xbb\xbf" + stream, [cut + 2 for cut in cuts])) == sent


# -- what the web platform tests leave open -------------------------------------------------------


def test_a_block_without_its_empty_line_is_no_event_and_its_id_does_not_count() -> None:
    parser = EventStreamParser()
    assert len(list(parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n"))) == 1
    assert parser.last_event_id == "1"


def test_an_id_without_data_counts_from_its_empty_line() -> None:
    parser = EventStreamParser()
    assert list(parser.feed(b"id: 5\n")) == []
    assert parser.last_event_id == ""
    assert list(parser.feed(b"\n")) == []
    assert parser.last_event_id == "5"


def test_the_rest_of_a_stream_keeps_the_id_it_goes_on_after() -> None:
    assert parse([b"data: x\n\n"], last_event_id="7") == [ServerSentEvent("x", id="7")]


@pytest.mark.parametrize("bad", ["-5", "+5", "1_0", "1.5", " 5", "٣", "5x", "", "0x5"])
def test_retry_is_ascii_digits_or_nothing(bad: str) -> None:
    parser = EventStreamParser()
    assert list(parser.feed(f"retry: {bad}\ndata: x\n\n".encode())) == [ServerSentEvent("x")]
    assert parser.retry is None


def test_retry_of_any_number_of_digits_is_a_number() -> None:
    events = parse([b"retry: " + b"0" * 9000 + b"1500\ndata: x\n\n"])
    assert events == [ServerSentEvent("x", retry=1500)]
    assert parse([b"retry: " + b"9" * 9000 + b"\ndata: x\n\n"])[0].retry == 10**15 - 1


@pytest.mark.parametrize(
    ("stream", "incomplete"),
    [
        (b"", False),
        (b"\xef\xbb\xbf", False),
        (b"data: x\n\n", False),
        (b"data: x\r\n\r", False),
        (b"data: x\n\n: bye", False),
        (b"\xef\xbb\xbf: hello", False),
        (b"data: x\n", True),
        (b"id: 1\n", True),
        (b"data: x\n\nda", True),
        (b"data: x\n\ndata: y\n: bye\n", True),
    ],
)
def test_it_is_known_whether_the_end_is_within_an_event(stream: bytes, incomplete: bool) -> None:
    parser = EventStreamParser()
    list(parser.feed(stream))
    assert parser.incomplete is incomplete


def test_json_data_is_read_and_broken_json_is_a_protocol_error() -> None:
    assert ServerSentEvent('{"a": [1]}').json() == {"a": [1]}
    for data in ("", "{", "[" * 100_000):
        with pytest.raises(ProtocolError, match="no JSON"):
            ServerSentEvent(data).json()
