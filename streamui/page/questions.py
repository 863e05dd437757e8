"""What a page asks for: one answer at a time, and however often it asks, not all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any, TypeGuard, cast

MOST = 10_000
"""Streams that a page may name at once, and that are known to be held by it."""

_LONGEST = 256  # characters of a name that are looked at
_REST, _LONGEST_REST = 4, 2.0  # times as long as an answer took, and in seconds

Answer = Callable[[dict[str, int], list[str]], Awaitable[None]]


def is_name(name: object) -> TypeGuard[str]:
    """Return whether something may be the name of a stream or a function."""
    return isinstance(name, str) and len(name) <= _LONGEST


class Questions:
    """What one connection has asked and has not been answered.

    What is asked while an answer is in the making, or in the rest after it, is answered together.
    So a page that asks all the time takes no more than a fifth of it from others, and one that
    asks now and then is answered at once.
    """

    __slots__ = ("_answering", "_free_at", "_held", "_offsets")

    def __init__(self) -> None:
        self._offsets: dict[str, int] = {}
        self._held: dict[str, None] = {}
        self._answering = False
        self._free_at = 0.0

    def note(self, streams: object, held: object) -> None:
        """Take note of a question; what makes no sense of it, or is too much, is left out.

        Args:
            streams: Offsets by stream id.
            held: Ended streams whose value the page has.
        """
        if isinstance(streams, dict):
            for name, offset in islice(cast("dict[Any, Any]", streams).items(), MOST):
                # A bool is an int.
                if is_name(name) and isinstance(offset, int) and not isinstance(offset, bool):
                    if len(self._offsets) < MOST or name in self._offsets:
                        self._offsets[name] = offset
        if isinstance(held, list):
            names = filter(is_name, cast("list[Any]", held)[:MOST])
            self._held |= dict.fromkeys(islice(names, MOST - len(self._held)))

    async def answer(self, answer: Answer, asks: Callable[[], bool]) -> None:
        """Answer what was asked, and what is asked meanwhile; nothing to do if somebody does.

        Args:
            answer: Called with offsets by stream id, and the ended streams that the page has.
            asks: Returns whether the page is still there.

        Raises:
            Exception: The last one of those that answers raised.
        """
        if self._answering:
            return
        self._answering, problem = True, None
        loop = asyncio.get_running_loop()
        try:
            while self._offsets or self._held:
                if (rest := self._free_at - loop.time()) > 0:
                    await asyncio.sleep(rest)
                offsets, self._offsets = self._offsets, {}
                held, self._held = self._held, {}
                if not asks():
                    return
                begun = loop.time()
                try:
                    await answer(offsets, list(held))
                except Exception as cause:  # who has asked meanwhile must be answered
                    problem = cause
                now = loop.time()
                self._free_at = now + min(_REST * (now - begun), _LONGEST_REST)
        finally:
            self._answering = False
        if problem is not None:
            raise problem
