"""What the page shows: numbers of this process, made into words."""

import dataclasses
import os
from typing import Literal

import streamui as ui

MOST = 50
"""Streams that are listed one by one."""

LINGERS = 3
"""Looks for which a stream that has ended stays in the list, so that nothing just vanishes."""


@dataclasses.dataclass
class Row:
    """One stream."""

    number: int
    name: str
    place: str
    state: str
    """``streaming``, ``stalled``, ``waiting`` or ``ended``."""
    rate: float
    """Chunks in the last second."""
    size: str
    age: str
    left: int = LINGERS
    """Looks for which it stays after its end."""


@dataclasses.dataclass
class Board:
    """All of it, at one moment."""

    tick: int = 0
    """Counts the looks; the plots go on with it."""
    rows: list[Row] = dataclasses.field(default_factory=list)
    open: int = 0
    more: int = 0
    """Streams that are open and not listed."""
    rate: float = 0
    data: str = ""
    started: str = ""
    ends: str = ""
    first_chunk: str = ""
    stalls: str = ""
    tokens: str = ""
    pages: str = ""
    memory: str = ""


def allowed() -> Literal["stop", "watch", "off"]:
    """What anybody who opens the page may do: ``STREAMUI_DEMO_STREAMS``; anything odd is off."""
    chosen = os.environ.get("STREAMUI_DEMO_STREAMS", "stop")
    return "stop" if chosen == "stop" else "watch" if chosen == "watch" else "off"


class Watcher:
    """Looks at the process again and again, and knows what has changed since.

    Args:
        without: The server function whose own streams do not count: the one that watches.
    """

    def __init__(self, without: str) -> None:
        self._without = without
        self._tick = 0
        self._time = 0.0
        self._before = (0, 0)
        self._chunks: dict[int, int] = {}
        self._rows: dict[int, Row] = {}

    def look(self) -> Board:
        """Return how things stand."""
        stats = ui.stats()
        seconds = stats.time - self._time if self._tick else 0.0
        self._time, self._tick = stats.time, self._tick + 1
        self._update_rows(stats, seconds)
        others = [each.streams for name, each in stats.functions.items() if name != self._without]
        written = sum(each.chunks for each in others), sum(each.bytes for each in others)
        chunks, size = (now - then for now, then in zip(written, self._before, strict=True))
        self._before = written
        count = sum(each.open for each in others)
        rows = list(self._rows.values())[:MOST]
        began = sum(each.first_chunk.count for each in others)
        waited = sum((each.first_chunk.mean or 0) * each.first_chunk.count for each in others)
        asked = sum(each.input_tokens for each in stats.models.values())
        answered = sum(each.output_tokens for each in stats.models.values())
        return Board(
            tick=self._tick,
            rows=rows,
            open=count,
            more=max(0, count - sum(row.state != "ended" for row in rows)),
            rate=per_second(chunks, seconds),
            data=f"{in_bytes(per_second(size, seconds))}/s",
            started=f"{sum(each.started for each in others):,}",
            ends=in_words([each.ends for each in others]),
            first_chunk=in_seconds(waited / began) if began else "none yet",
            stalls=f"{sum(each.stalls for each in others):,}",
            tokens=f"{asked:,} in, {answered:,} out",
            pages=f"{stats.pages.connected:,}",
            memory=in_bytes(stats.memory),
        )

    def _update_rows(self, stats: ui.Stats, seconds: float) -> None:
        rows, before = self._rows, self._chunks
        self._chunks = {}
        for each in stats.open:
            if each.function == self._without:
                continue
            self._chunks[each.number] = each.chunks
            rows[each.number] = Row(
                number=each.number,
                name=".".join(each.function.split(".")[-2:]) or "No server function",
                place=each.made_at,
                state="stalled" if each.stalled else each.status,
                rate=per_second(each.chunks - before.get(each.number, each.chunks), seconds),
                size=in_bytes(each.bytes),
                age=in_age(each.age),
            )
        for number in rows.keys() - self._chunks.keys():
            row = rows[number]
            rows[number] = dataclasses.replace(row, state="ended", rate=0, left=row.left - 1)
            if row.left <= 0:
                del rows[number]


def per_second(count: float, seconds: float) -> float:
    """A rate as it is shown: small ones to a tenth."""
    rate = count / seconds if seconds > 0 else 0.0
    return round(rate, 1) if rate < 10 else round(rate)


def in_words(ends: list[dict[str, int]]) -> str:
    """How streams ended: ``12 done, 3 stopped``."""
    words = {"done": "done", "cancelled": "stopped", "error": "failed"}
    words |= {"interrupted": "interrupted"}
    counts = {word: sum(each.get(status, 0) for each in ends) for status, word in words.items()}
    return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or "none yet"


def in_bytes(count: float) -> str:
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} GB"


def in_seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"


def in_age(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
