"""The content of a structured answer: something that fits the question and the field's name."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any

from streamui.models.demo import prose
from streamui.models.demo.clues import Clues
from streamui.models.demo.fill import Source
from streamui.models.demo.schema import Schema
from streamui.models.demo.strings import fit
from streamui.models.demo.topic import topic_of
from streamui.models.demo.words import READ, stem, with_digits, words_of

_ITEMS = 3
_ASKED_ITEMS = 50

_LISTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "ingredient ingredients",
        ("flour", "olive oil", "salt", "tomatoes", "garlic", "basil", "lemon"),
    ),
    ("step steps instruction instructions direction task tasks todo", (
        "Look at what is there", "Choose one thing to change", "Do it, and keep what works",
        "Tell somebody what you learned",
    )),
    ("tag tags keyword keywords category categories genre", (
        "everyday", "history", "craft", "science", "music", "travel",
    )),
    ("city location place town capital", ("Rome", "Oslo", "Lisbon", "Kyoto", "Quito", "Nairobi")),
    ("country", ("Italy", "Norway", "Portugal", "Japan", "Ecuador", "Kenya")),
    ("person people author character user customer participant member friend sender "
        "notification employee contact student guest", (
        "Ada Moreno", "Ben Okafor", "Chiara Rossi", "Dara Singh", "Emil Larsen",
    )),
    ("first_name firstname", ("Ada", "Ben", "Chiara", "Dara", "Emil")),
    ("last_name lastname surname", ("Moreno", "Okafor", "Rossi", "Singh", "Larsen")),
    ("color colour", ("green", "blue", "amber", "violet")),
    ("unit", ("g", "ml", "pieces")),
    ("currency", ("EUR", "NOK", "USD")),
    ("language lang locale", ("en", "de", "fr")),
    ("weather condition conditions", ("sunny", "cloudy", "light rain")),
)  # fmt: skip
_ORDERS = "invent|name|generate|create|imagine|suggest|find|think of|classify|extract|plan"
_OF = re.compile(r"^(?:an?\s+|the\s+|some\s+)?(?:\w+\s+)?recipes?\s+(?:for|of)\s+(.+)", re.I)
_COUNTED = re.compile(r"(?<![\w.])(\d{1,4})\s+(?:[a-z]+ly\s+|new\s+|short\s+)?(\w+)")
_ANYTHING = ("item", "result", "entry", "element", "list")
_LIKE = {"email mail": "email", "url uri link website homepage": "uri", "uuid id": "uuid",
         "date day birthday": "date"}  # fmt: skip
_LONG = frozenset(
    "description summary text content body story essay explanation reason reasoning analysis "
    "comment note notes message paragraph overview bio details answer review plot".split()
)
_TITLES = frozenset("title name headline subject heading topic label caption".split())
_SIZES = {
    "temperature": 18, "celsius": 18, "year": 2026, "age": 34, "price": 12.5, "cost": 12.5,
    "amount": 250, "quantity": 2, "minutes": 25, "minute": 25, "seconds": 40, "hours": 2,
    "rating": 4, "score": 0.8, "confidence": 0.9, "probability": 0.7, "percent": 60,
    "humidity": 55, "calories": 420, "servings": 4, "population": 700_000,
}  # fmt: skip


class Story(Source):
    """Values for the fields of an answer.

    Args:
        question: What was asked, without its steering.
        place: Which of several items this is for, from 0.
        owner: The field that it is inside of.
    """

    sparse = False

    def __init__(self, question: str, place: int = 0, owner: str = "") -> None:
        self._question = question = question[:READ]
        self._topic = _subject(question)
        self._place = place
        self._owner = owner
        self._clues = Clues(question)

    def choose(self, name: str, options: Sequence[Any]) -> Any:  # noqa: D102 -- as its protocol says
        if not self._owner and (said := self._clues.one_of(options)) is not None:
            return said
        if not options:
            return None
        return options[(self._place + zlib.crc32(name.encode())) % len(options)]

    def scalar(self, name: str, kind: str, schema: Schema, sure: bool) -> Any:  # noqa: D102 -- likewise
        if kind == "boolean":
            return (self._place + zlib.crc32(name.encode())) % 2 == 0
        if kind in ("integer", "number"):
            return self._number(name, kind)
        format = schema.get("format")
        if isinstance(format, str):
            return self._clues.formatted(format) or f"{name} {self._place + 1}"
        return self._string(name)

    def inside(self, name: str) -> Story:  # noqa: D102 -- likewise
        return Story(self._question, self._place, name or self._owner)

    def items(self, name: str, schema: Schema) -> list[Source]:  # noqa: D102 -- likewise
        count = _ITEMS if not self._owner else _ITEMS - 1
        wanted = {stem(word) for word in words_of(name)}
        for number, noun in _COUNTED.findall(with_digits(self._question)):
            if not wanted or wanted & {stem(noun.lower()), *_ANYTHING}:
                count = min(_ASKED_ITEMS, int(number))
                break
        count = max(count, int(schema.get("minItems") or 0))
        first = self._place * count if self._owner else 0
        return [Story(self._question, first + place, name or "item") for place in range(count)]

    def _number(self, name: str, kind: str) -> float:
        known = {stem(word) for word in words_of(self._question)}
        if not self._owner and known & {stem(word) for word in words_of(name)}:
            said = Clues(self._question, counts=[name]).number(name)
            if said is not None:
                return said
        for word in words_of(name):
            size = _SIZES.get(word, _SIZES.get(stem(word)))
            if size is not None:
                step = self._place if size >= 10 else self._place / 10
                return int(size + step) if kind == "integer" else round(size + step, 2)
        return self._place + 1

    def _string(self, name: str) -> str:
        words = words_of(name) or [stem(word) for word in words_of(self._question)]
        key = {stem(word) for word in words} | {"_".join(words)}
        for names, format in _LIKE.items():
            if key & set(names.split()):
                return fit("", {"format": format}, self._place + 1)
        for names, values in _LISTS:
            if key & set(names.split()) or (words and words[-1] in names.split()):
                return values[self._place % len(values)]
        if key & _LONG:
            about = f"{self._topic}, part {self._place + 1}" if self._place else self._topic
            return prose.write(about, 12 if self._owner else 25)
        owner = {stem(word) for word in words_of(self._owner)}
        if key & _TITLES:
            for names, values in _LISTS:
                if owner & set(names.split()):
                    return values[self._place % len(values)]
            topic = self._topic[:1].upper() + self._topic[1:]
            return f"{topic} {self._place + 1}" if self._owner else topic
        numbered = f" {self._place + 1}" if self._owner else ""
        return f"{' '.join(words_of(name))} of {self._topic}{numbered}".removeprefix(" of ")


def _subject(question: str) -> str:
    topic = re.sub(rf"^(?:{_ORDERS})\s+(?:\d+\s+)?", "", topic_of(question), flags=re.I)
    found = _OF.search(topic)
    topic = found.group(1) if found else topic
    return re.sub(r"\s+for \d+ .*$", "", topic) or topic_of(question)
