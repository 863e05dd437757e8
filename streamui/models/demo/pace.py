"""When each piece of an answer is sent, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from streamui.models.demo.answer import Answer
from streamui.models.demo.wire import NONSENSE, Wire

_TOGETHER = 32
"""Pieces in one write when there is no delay between them."""


class CutError(Exception):
    """The connection is to be cut here."""


async def paced(answer: Answer, wire: Wire) -> AsyncIterator[bytes]:
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
    if answer.reasoning:
        async for piece in clock.pace(wire.reasoning(answer)):
            yield piece
    yield wire.begin(answer)
    whole = steering.fault is None or steering.after > len(answer.deltas)
    # A fault that would come only later than the last word never comes.
    deltas = answer.deltas if whole else answer.deltas[: steering.after]
    async for piece in clock.pace(map(wire.delta, deltas)):
        yield piece
    if whole:
        yield wire.closing(answer)
    elif steering.fault == "stall":
        await asyncio.Event().wait()
    elif steering.fault == "cut":
        raise CutError
    elif steering.fault == "nonsense":
        yield NONSENSE
    else:
        yield wire.error(steering.status, f"The demo was asked to fail with {steering.status}.")


async def wait_for(answer: Answer) -> None:
    """Take as long as streaming the answer would, before it is sent whole.

    Args:
        answer: What will be sent.

    Raises:
        CutError: The steering wants the connection cut.
    """
    steering = answer.steering
    count = len(answer.deltas) if steering.fault is None else steering.after
    if steering.rate is not None:
        await asyncio.sleep(min(count, len(answer.deltas)) / steering.rate)
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

    async def pace(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        if self._rate is None:
            together: list[bytes] = []
            for piece in pieces:
                together.append(piece)
                if len(together) == _TOGETHER:
                    yield b"".join(together)
                    together.clear()
                    await asyncio.sleep(0)
            if together:
                yield b"".join(together)
            return
        for piece in pieces:
            due = self._start + self._count / self._rate
            delay = due - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, delay))
            self._count += 1
            yield piece
