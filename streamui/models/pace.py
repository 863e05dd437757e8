"""Smooth text: what a model writes in gusts, shown word by word or sentence by sentence."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from streamui.models.events import ModelEvent, TextDelta

if TYPE_CHECKING:
    from regex import Pattern

Measure: TypeAlias = Callable[[str], int]
"""Says how many characters of a text, at its beginning, are the next piece; 0 to wait for more."""

Pace: TypeAlias = Literal["word", "sentence"] | float | Measure

_INTERVALS = {"word": 0.02, "sentence": 0.2}
"""Seconds from one piece to the next, at most."""

_BEHIND = 1.0
"""Seconds that text comes later than from the model, at most."""

_LONGEST = 2_000
"""Characters of a piece, at most."""

_TICK = 0.01
"""Seconds below which pieces are put together: nobody sees the difference."""

# Scripts without spaces: each cluster is shown by itself, with the punctuation around it.
_DENSE = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
)
# `\X` is a grapheme cluster. Whether one is whole shows when the next one begins: so a piece ends
# in a blank, or something follows it. The longest word is that of a text without any blanks.
_WORD = rf"""
    (?> \s* [\p{{Ps}}\p{{Pi}}]*+
        (?: (?={_DENSE}) \X | (?: (?!\s|{_DENSE}) \X ){{1,64}}+ )
        (?: (?=[\p{{Po}}\p{{Pe}}\p{{Pf}}]) \X )*+
        \s*+
    ) (?: (?<=\s) | (?=.) )
"""
_SENTENCE = r"""
    (?> (?: \X{1,499}?
            (?: [.!?…]++ [\p{Pe}\p{Pf}"'*_]*+ (?=\s) \s++
              | [\u3002\uff01\uff1f\uff61]++ [\p{Pe}\p{Pf}"']*+
              | \n++ )
          | \X{500} )
    ) (?: (?<=\s) | (?=.) )
"""


def measure_of(pace: Pace) -> tuple[Measure, float]:
    """Find out how text is cut up, and how fast the pieces may follow each other.

    Args:
        pace: ``word``, ``sentence``, seconds from word to word, or a :data:`Measure`.

    Returns:
        A measure, and the seconds from piece to piece.

    Raises:
        ValueError: It is none of these.
    """
    given: Any = pace
    if isinstance(given, str) and given in _INTERVALS:
        return _measure(given), _INTERVALS[given]
    if isinstance(given, int | float) and not isinstance(given, bool) and given >= 0:
        return _measure("word"), float(given)
    if callable(given):
        return cast("Measure", given), _INTERVALS["word"]
    raise ValueError(f"pace is 'word', 'sentence', seconds or a function, not {given!r}")


def _measure(name: str) -> Measure:
    def measure(text: str) -> int:
        found = _pattern(name).match(text)
        return found.end() if found else 0

    return measure


@cache
def _pattern(name: str) -> Pattern[str]:
    import regex

    written = _WORD if name == "word" else _SENTENCE
    return regex.compile(written, regex.VERBOSE | regex.DOTALL | regex.VERSION1)


class Pacer:
    """Passes events on in their order, and the text among them piece by piece.

    Slower than the model, it stays behind for no more than a second: with more to show it
    becomes faster. Half a word is shown when the model pauses for as long.

    Args:
        pace: How.
        tell: Takes the events.

    Raises:
        ValueError: There is no such pace.
    """

    def __init__(self, pace: Pace, tell: Callable[[ModelEvent], None]) -> None:
        self._measure, self._interval = measure_of(pace)
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._queue: deque[ModelEvent] = deque()
        self._pieces = 0
        self._part: TextDelta | None = None
        self._text = ""
        self._arrived = self._shown = self._due = 0.0
        self._wait = self._interval
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()

    def put(self, event: ModelEvent) -> None:
        """Take the next event."""
        fresh = not self._queue
        if event.type == "text-delta":
            if self._part is not None and self._part.id != event.id:
                self._take_rest()
            self._part = event
            self._text += event.delta
            self._arrived = self._loop.time()
            self._cut()
        else:
            if event.type != "provider":  # what a provider says by the way breaks no word
                self._take_rest()
            self._queue.append(event)
        if self._timer is None or (fresh and self._queue):
            self._show()

    async def drain(self) -> None:
        """Show what is left, at this pace but in no more than a second."""
        self._cut()
        self._take_rest()
        self._show()
        self._empty.clear()
        while self._queue:
            await self._empty.wait()
        self.flush()

    def flush(self) -> None:
        """Show what is left, at once."""
        self._take_rest()
        self._release(len(self._queue))
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self) -> None:
        """Cut off the pieces that are whole."""
        text, at = self._text, 0
        while at < len(text):
            window = text[at : at + _LONGEST]
            size = self._measure(window)
            if size <= 0:
                if len(window) < _LONGEST:
                    break
                size = len(window)
            self._add(window[:size])
            at += size
        self._text = text[at:]

    def _take_rest(self) -> None:
        """Take what is left of the text for a piece."""
        if self._text:
            self._add(self._text)
            self._text = ""

    def _add(self, piece: str) -> None:
        part = self._part
        assert part is not None  # there is text, and it is a part's
        self._queue.append(TextDelta(part.id, piece, part.provider_event))
        self._due = self._arrived + _BEHIND
        self._pieces += 1

    def _show(self) -> None:
        """Show what it is time for, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        if not self._queue and now >= self._arrived + _BEHIND:
            self._take_rest()
        self._hurry(now)
        if self._queue and (not self._pieces or now + 0.001 >= self._shown + self._wait):
            self._shown = now if self._pieces else self._shown
            self._release(max(1, round(_TICK / self._wait)) if self._wait else self._pieces)
        if self._queue:
            self._timer = self._loop.call_at(self._shown + max(_TICK, self._wait), self._show)
            return
        # By and by, or it would stumble behind a model that is always faster.
        self._wait = min(self._interval, max(_TICK, 2 * self._wait))
        self._empty.set()
        if self._text:
            self._timer = self._loop.call_at(self._arrived + _BEHIND, self._show)

    def _hurry(self, now: float) -> None:
        """Make the seconds from piece to piece so few that the last one comes in time."""
        if self._pieces:
            # Never more again before all is shown: what came first would be late.
            self._wait = min(self._wait, max(0.0, (self._due - now) / self._pieces))

    def _release(self, pieces: int) -> None:
        """Show some pieces, with all that comes between and after."""
        written: list[str] = []
        part: TextDelta | None = None
        while self._queue:
            event = self._queue[0]
            if event.type == "text-delta":
                if pieces <= 0:
                    break
                if part is not None and part.id != event.id:
                    self._tell_text(part, written)
                part = event
                written.append(event.delta)
                pieces -= 1
                self._pieces -= 1
            else:
                self._tell_text(part, written)
                self._tell(event)
            self._queue.popleft()
        self._tell_text(part, written)

    def _tell_text(self, part: TextDelta | None, written: list[str]) -> None:
        if part is not None and written:
            self._tell(TextDelta(part.id, "".join(written), part.provider_event))
            written.clear()
