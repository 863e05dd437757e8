"""Bytes of event streams in pieces, and what the parser makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from streamui.http.event import ServerSentEvent
from streamui.http.parser import EventStreamParser


def parse(chunks: Iterable[bytes], **options: Any) -> list[ServerSentEvent]:
    """Give the events of a stream that comes in these chunks."""
    parser = EventStreamParser(**options)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def pieces(stream: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """Cut a stream at these places."""
    for start, end in pairwise([0, *sorted(cuts), len(stream)]):
        yield stream[start:end]


def single_bytes(stream: bytes) -> list[bytes]:
    """Cut a stream everywhere."""
    return [bytes([each]) for each in stream]
