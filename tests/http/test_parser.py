"""The event stream parser against the web platform tests and against the standard's own words.

``sse_wpt.json`` is made from github.com/web-platform-tests/wpt, folder ``eventsource/`` (3-Clause
BSD licence); each case names its file.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamui.errors import ProtocolError
from streamui.http.event import ServerSentEvent
from streamui.http.parser import EventStreamParser

WPT: list[dict[str, Any]] = json.loads((Path(__file__).parent / "sse_wpt.json").read_text())
CASES = [each for each in WPT if each["level"] == "parser"]


def parse(chunks: Iterable[bytes], **options: Any) -> list[ServerSentEvent]:
    parser = EventStreamParser(**options)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def pieces(stream: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    for start, end in pairwise([0, *sorted(cuts), len(stream)]):
        yield stream[start:end]


def single_bytes(stream: bytes) -> list[bytes]:
    return [bytes([each]) for each in stream]


# -- the web platform tests -------------------------------------------------------------------


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


# -- the standard, word by word ---------------------------------------------------------------


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


# -- round trip -------------------------------------------------------------------------------


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


# -- faults of the list -----------------------------------------------------------------------


def test_fault_40_utf8_split_anywhere_is_whole_again() -> None:
    text = "żółć 漢字 \U0001f469\u200d\U0001f4bb \U0001d4b3"
    stream = f"event: ż\nid: 漢\ndata: {text}\n\n".encode()
    whole = [ServerSentEvent(text, "ż", "漢")]
    for cut in range(len(stream) + 1):
        assert parse([stream[:cut], stream[cut:]]) == whole
    assert parse(single_bytes(stream)) == whole
    assert "\ufffd" not in whole[0].data


def test_fault_40_only_broken_bytes_become_replacement_characters() -> None:
    stream = b"data: a\xff\xf0\x9f\x92b\xe2\x82\n\ndata: \xed\xa0\x80\n\n"
    expected = ["a\ufffd\ufffdb\ufffd", "\ufffd\ufffd\ufffd"]
    assert [event.data for event in parse([stream])] == expected
    assert [event.data for event in parse(single_bytes(stream))] == expected


@pytest.mark.parametrize("marks", [0, 1, 2])
def test_fault_41_exactly_one_leading_byte_order_mark_is_taken_away(marks: int) -> None:
    stream = b"\xef\xbb\xbf" * marks + b"data: 1\n\ndata: \xef\xbb\xbf2\n\n\xef\xbb\xbfdata: 3\n\n"
    expected = ["1", "\ufeff2"] if marks < 2 else ["\ufeff2"]
    for cut in range(len(stream) + 1):
        assert [event.data for event in parse([stream[:cut], stream[cut:]])] == expected


def test_fault_42_line_ends_mixed_and_split_are_the_same() -> None:
    for stream in (
        b"data: a\r\ndata: b\rdata: c\n\r\nid: 1\rdata: d\n\r",
        b"data: a\ndata: b\ndata: c\n\nid: 1\ndata: d\n\n",
        b"data: a\rdata: b\rdata: c\r\rid: 1\rdata: d\r\r",
    ):
        for cut in range(len(stream) + 1):
            found = parse([stream[:cut], b"", stream[cut:]])
            assert found == [ServerSentEvent("a\nb\nc"), ServerSentEvent("d", id="1")]


def test_fault_42_an_event_does_not_wait_for_the_line_feed_after_its_carriage_return() -> None:
    parser = EventStreamParser()
    assert list(parser.feed(b"data: now\r\n\r")) == [ServerSentEvent("now")]
    assert list(parser.feed(b"\n")) == []


def test_fault_47_only_cr_and_lf_end_a_line() -> None:
    odd = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei"
    assert parse([f"data: {odd}\n\n".encode()]) == [ServerSentEvent(odd)]
    assert parse(single_bytes(f"data: {odd}\n\n".encode())) == [ServerSentEvent(odd)]


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 95,
        b": " + b"x" * 99,
        b"data: 1\n" * 15,
        b"unknown" * 15 + b"\n",
        b"id: 1\n" + b"data: x\n" * 14 + b"\n",
    ],
)
def test_fault_43_an_event_over_the_limit_is_refused_however_it_is_cut(stream: bytes) -> None:
    before = b"data: small\n\n"
    for chunks in ([before + stream], single_bytes(before + stream)):
        parser = EventStreamParser(limit=100)
        found: list[ServerSentEvent] = []
        with pytest.raises(ProtocolError, match="more than 100 bytes"):
            for chunk in chunks:
                found += parser.feed(chunk)
        assert found == [ServerSentEvent("small")]


def test_fault_43_events_and_comments_within_the_limit_may_go_on_for_ever() -> None:
    stream = b"data: " + b"x" * 94 + b"\n\n" + b": still here\n" * 100
    assert len(parse([stream * 20], limit=100)) == 20


class Watched(bytes):
    """Bytes that know how far they were looked at."""

    looked_at = 0

    def __getitem__(self, part: Any) -> Any:
        self.looked_at = max(self.looked_at, part.stop)
        return super().__getitem__(part)


def test_fault_43_events_of_a_huge_chunk_come_out_while_it_is_read() -> None:
    parser = EventStreamParser()
    chunk = Watched(b"data: x\n\n" * 1_000_000)
    events = parser.feed(chunk)
    assert next(events) == ServerSentEvent("x")
    assert chunk.looked_at < len(chunk) / 100


# -- what the web platform tests leave open ---------------------------------------------------


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


# -- time -------------------------------------------------------------------------------------


def seconds(chunks: list[bytes]) -> float:
    """The least of a few tries, of this process's own time: others use the machine too."""
    tries: list[float] = []
    for _ in range(3):
        begun = time.process_time()
        parse(chunks)
        tries.append(time.process_time() - begun)
    return min(tries)


@pytest.mark.parametrize("shape", ["one line", "many lines", "many events"])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_time_grows_with_the_bytes_and_not_with_their_square(shape: str, cut: str) -> None:
    def stream(size: int) -> list[bytes]:
        line = {"one line": b"x", "many lines": b"\ndata: x", "many events": b"\n\ndata: x"}[shape]
        whole = b"data: " + line * (size // len(line)) + b"\n\n"
        return [whole] if cut == "whole" else single_bytes(whole)

    size = 40_000 if cut == "bytes" else 1_000_000 if shape == "one line" else 100_000
    # Eight times the bytes: 8 times as long, or 64 times if each byte is looked at again.
    assert seconds(stream(8 * size)) < 16 * max(seconds(stream(size)), 0.001)
