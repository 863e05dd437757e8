"""What a seed decides: the text that is streamed, and what happens to its readers meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

ALPHABET = (
    "word ",
    "é",
    "\u2028",
    "\u0085",
    "\r\n",
    "\n",
    "😀",
    "👩\u200d👩\u200d👧",
    "\x00",
    "\ufeff",
    '"',
    "\\",
)
READERS = ("owner", "second", "events")
EVENTS = (
    *("cut the owner", "cut the second", "cut the events", "cut all") * 3,
    *("reload the owner", "reload the second") * 2,
    *("leave and come back", "slow", "freeze"),
)


def pieces(seed: int) -> Iterator[tuple[str, float]]:
    """The pieces of a text, and the pause after each, in seconds."""
    chance = random.Random(seed)
    for number in range(chance.randint(20, 60)):
        piece = "".join(chance.choices(ALPHABET, k=chance.randint(1, 8)))
        if chance.random() < 0.03:
            piece *= 3_000
        yield f"{number}{piece}", chance.choice((0, 0, 0.005, 0.02, 0.05))


def text(seed: int) -> str:
    """All of it."""
    return "".join(piece for piece, _ in pieces(seed))


@dataclass(frozen=True)
class Step:
    """Something that happens, some time after what happened before it."""

    after: float
    what: str


def steps(seed: int) -> list[Step]:
    """What happens while the text is streamed."""
    chance = random.Random(f"steps {seed}")
    chosen = [chance.choice(EVENTS) for _ in range(chance.randint(3, 9))]
    if chance.random() < 0.3:
        stop = chance.choice(("the owner stops", "the owner stops twice", "a link stops"))
        chosen.insert(chance.randint(0, len(chosen)), stop)
    return [Step(chance.random() * 0.2, what) for what in chosen]
