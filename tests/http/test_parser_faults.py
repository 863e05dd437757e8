"""The event stream parser on bytes that are split, odd, or too many."""

from __future__ import annotations

from typing import Any

import pytest

from streamui.errors import ProtocolError
from streamui.http.event import ServerSentEvent
from streamui.http.parser import EventStreamParser
from tests.http.parsing import parse, single_bytes


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
