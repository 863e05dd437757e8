"""When each piece of an answer is sent, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from streamui.models.demo.answer import AT_ONCE, Answer
from streamui.models.demo.wire import NONSENSE, Wire

_TOGETHER = 32
"""Pieces in one write when there is no delay between them."""


class CutError(Exception):
    """The connection is to be cut here."""


async def paced(answer: Answer, wire: Wire) -> AsyncIterator[bytes]:  # noqa: C901 -- one loop, in order
    """Stream an answer as its steering says.

    Args:
        answer: What to send.
        wire: Writes its bytes.

    Yields:
        Bytes, each when they are due.

    Raises:
        CutError: The steering wants the connection cut.
    """
    steering = answer.steering
    yield wire.opening()
    clock = _Clock(steering.rate)
    # A fault that would come only later than the last word never comes.
    faulty = steering.fault is not None and steering.after <= answer.words
    words = 0
    held: list[bytes] = []
    for piece in wire.pieces(answer):
        word = piece.kind == "word"
        if word and faulty and words == steering.after:
            break
        if word and words in answer.waits:
            yield b"".join(held)
            held.clear()
            await answer.waits[words]()
        if piece.kind != "frame":
            await clock.next()
        # What goes before a word is sent with it.
        held.append(piece.data)
        words += word
        last = word and faulty and words == steering.after
        if last or (piece.kind != "frame" and (clock.ticks or len(held) >= _TOGETHER)):
            yield b"".join(held)
            held.clear()
            await asyncio.sleep(0)
        if last:
            break
    yield b"".join(held)
    if not faulty and answer.words in answer.waits:
        await answer.waits[answer.words]()
    if not faulty:
        yield wire.closing(answer)
    elif steering.fault == "stall":
        await asyncio.Event().wait()
    elif steering.fault == "cut":
        raise CutError
    elif steering.fault == "nonsense":
        yield steering.nonsense or NONSENSE
    else:
        yield wire.error(steering.status, steering.told, steering.code)


async def first_byte(answer: Answer) -> None:
    """Wait for as long as an answer has no byte at all.

    Args:
        answer: What will be sent.

    Raises:
        CutError: The connection is to be cut instead.
    """
    if AT_ONCE in answer.waits:
        await answer.waits[AT_ONCE]()
    if answer.steering.fault == "cut" and answer.steering.after == AT_ONCE:
        raise CutError


async def wait_for(answer: Answer) -> None:
    """Take as long as streaming the answer would, before it is sent whole.

    Args:
        answer: What will be sent.

    Raises:
        CutError: The steering wants the connection cut.
    """
    steering = answer.steering
    words = answer.words if steering.fault is None else min(steering.after, answer.words)
    if steering.rate is not None:
        await asyncio.sleep(words / steering.rate)
    for place in sorted(answer.waits):
        if 0 <= place <= words:
            await answer.waits[place]()
    if steering.fault == "stall":
        await asyncio.Event().wait()
    if steering.fault == "cut":
        raise CutError


class _Clock:
    """Keeps an exact average rate: a piece that was late does not delay the next."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._count = 0
        self._start = asyncio.get_running_loop().time()

    @property
    def ticks(self) -> bool:
        """Whether there is a delay at all."""
        return self._rate is not None

    async def next(self) -> None:
        """Wait until the next piece is due."""
        if self._rate is not None:
            due = self._start + self._count / self._rate
            self._count += 1
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
