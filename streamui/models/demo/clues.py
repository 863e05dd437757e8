"""What a sentence offers to fill in: names, numbers, quotations, dates, words of an enum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from streamui.models.demo.topic import topic_of
from streamui.models.demo.words import COMMON, stem, with_digits, words_of

_QUOTED = re.compile(r"[\"“”«]([^\"“”«»]{1,500})[\"“”»]|(?<!\w)'([^']{1,500})'(?!\w)")
_NAME = re.compile(
    r"\b[A-Z][\w'\u2019-]*(?:\s+(?:(?:de|of|da|di|do|la|le|van|von|del|du|den)\s+)?[A-Z][\w'\u2019-]*)*"
)
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")
_PLACED = re.compile(
    r"\b(in|into|at|near|from|to|for|of|on|about|by|with|called|named|saying|titled)\s+"
    r"(?:the\s+|an?\s+)?([^\s,;:?!]+(?:\s+[^\s,;:?!]+){0,7})",
    re.I,
)
_THING = re.compile(
    r"\bhttps?://[^\s<>\"']+|\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}"  # addresses
    r"|(?<!\S)~?/[\w./~-]*\w|\b[\w-]{1,64}\.[a-z]\w{0,4}\b"  # files
)
_SAID = re.compile(
    r"\b(saying|titled|called|named|about|to|with|for|of)\s*:?\s*[\"\u201c]([^\"\u201d]+)", re.I
)
_FORMATS = {
    "date": re.compile(r"\b\d{4}-\d\d-\d\d\b"),
    "date-time": re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?\b"),
    "time": re.compile(r"\b\d\d:\d\d(?::\d\d)?\b"),
    "email": re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}\b"),
    "uri": re.compile(r"\bhttps?://[^\s<>\"']+"),
    "uuid": re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I),
    "ipv4": re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
}
_BEFORE: tuple[tuple[str, str], ...] = (
    ("from origin source start sender departure", "from"),
    ("to destination target recipient receiver end arrival", "to into"),
    ("city location place where country town region address airport station", "in at near for to"),
    ("language lang", "into in to"),
    ("date day when time", "on at"),
    ("message text body content", "saying"),
    ("title name label", "called named titled"),
)
_FREE = frozenset(
    "query question prompt q search topic input keyword keywords subject text message body content "
    "about term phrase request task".split()
)
_SUMS = frozenset("expression formula calculation equation sum".split())
_WHEN = frozenset("date day when time".split())
_DAYS = re.compile(
    r"\b(?:today|tomorrow|yesterday|tonight|monday|tuesday|wednesday|thursday|friday|saturday"
    r"|sunday|next week|next month)\b",
    re.I,
)
_NO = re.compile(r"\b(?:no|not|without|don't|never|n't)\b", re.I)


class Clues:
    """The values of one sentence; each is given out once.

    Args:
        text: The sentence.
        known: Words that name the tool and are no values.
        counts: The names of the parameters that are numbers.
    """

    def __init__(self, text: str, known: Sequence[str] = (), counts: Sequence[str] = ()) -> None:
        self.text = text
        self._known = {stem(word) for word in known}
        self._used: set[str] = set()
        self._given: dict[str, str | None] = {}
        self.quoted = [a or b for a, b in _QUOTED.findall(text)]
        unquoted = _QUOTED.sub(" ", text)
        self.things = _THING.findall(unquoted)
        plain = _THING.sub(" ", unquoted)
        self._digits = with_digits(plain)
        found = (number.group() for number in _NUMBER.finditer(self._digits))
        self.numbers = [number.replace(",", "") for number in found]
        self.names = [name for found in _NAME.findall(plain) if (name := self._name(found))]
        self._placed = [(word.lower(), value) for word, value in _SAID.findall(text)]
        self._placed += [(w.lower(), self._end(rest)) for w, rest in _PLACED.findall(unquoted)]
        near = {name: self._near(name) for name in counts}
        self._counted = {name: number for name, number in near.items() if number}

    @property
    def candidates(self) -> list[str]:
        """What may be a value by itself: quotations, addresses, names, numbers."""
        return [*self.quoted, *self.things, *self.names, *self.numbers]

    def bare(self) -> bool:
        """Say whether there is nothing in it but values: "and in Oslo"."""
        rest = with_digits(self.text)
        for value in self.candidates:
            rest = rest.replace(value, " ")
        return bool(self.candidates) and not set(words_of(rest)) - COMMON

    def phrase(self) -> str:
        """What is left without the words of asking and the tool's own."""
        words = self.text.strip(" .?!,;:").split()

        def idle(word: str) -> bool:
            plain = word.lower().strip(",.;:'\"")
            return plain in COMMON or stem(plain) in self._known

        while words and idle(words[0]):
            words.pop(0)
        while words and words[-1].lower() in COMMON:
            words.pop()
        return " ".join(words) or topic_of(self.text)

    def number(self, name: str) -> float | None:
        """Find the number that stands beside a name, or the next that is left."""
        if name in self._counted:
            return float(self._counted[name])
        taken = self._used | set(self._counted.values())
        left = [number for number in self.numbers if number not in taken]
        if not left:
            return None
        self._counted[name] = self._take(left[0])
        return float(left[0])

    def boolean(self, name: str) -> bool | None:
        """Say whether a thing is wanted: yes if it is mentioned, no if it is mentioned so."""
        said = {stem(word) for word in words_of(self.text)}
        if not said & {stem(word) for word in words_of(name)}:
            return None
        return not _NO.search(self.text)

    def one_of(self, options: Sequence[Any]) -> Any:
        """Find which of several options is mentioned."""
        said = " ".join(map(stem, words_of(self.text)))
        for option in options:
            wanted = " ".join(map(stem, words_of(str(option)))) or str(option)
            if re.search(rf"\b{re.escape(wanted)}\b", said) or str(option) in self.candidates:
                return option
        return None

    def formatted(self, format: str) -> str | None:
        """Find a value of a format, such as an address."""
        pattern = _FORMATS.get(format)
        found = pattern.search(self.text) if pattern else None
        return found.group() if found else None

    def string(self, name: str, sure: bool = False) -> str | None:
        """Find a text for a name.

        Args:
            name: Of the parameter.
            sure: Whether only what clearly belongs to the name will do.
        """
        if name not in self._given or not (sure or self._given[name]):
            self._given[name] = self._find(name, sure)
        return self._given[name]

    def _find(self, name: str, sure: bool) -> str | None:
        words = set(words_of(name))
        if words & _SUMS:
            found = re.search(r"[\d(][\d\s.,+*/^()x\u00d7\u00f7-]*[\d)]", self.text)
            return found.group() if found else None
        for word in words - self._known:
            beside = re.search(
                rf"\b{re.escape(word)}\s+(?:is\s+|of\s+|=\s*)?({_NAME.pattern})", self.text
            )
            if beside and (value := self._name(beside.group(1))):
                return self._take(value)
        for names, before in _BEFORE:
            if words & set(names.split()) and (value := self._after(before.split())):
                return self._take(value)
        if words & _WHEN and (day := _DAYS.search(self.text)):
            return day.group()
        if sure:
            return None
        for value in (*self.quoted, *(() if words & _FREE else (*self.things, *self.names))):
            if value not in self._used:
                return self._take(value)
        return None

    def _near(self, name: str) -> str | None:
        """Find the number that stands beside a name."""
        for word in words_of(name):
            ending = r"\w*" if len(word) > 2 else ""
            named = rf"{re.escape(stem(word))}{ending}\b"
            near = re.search(
                rf"({_NUMBER.pattern})\s*{named}"
                rf"|\b{named}\s+(?:of\s+|is\s+|=\s*)?({_NUMBER.pattern})",
                self._digits,
                re.I,
            )
            if near:
                return (near.group(1) or near.group(2)).replace(",", "")
        return None

    def _after(self, before: list[str]) -> str:
        """Find what follows one of some prepositions, and was not given out yet."""
        placed = (value for word in before for place, value in self._placed if place == word)
        return next((value for value in placed if value and value not in self._used), "")

    def _take(self, value: str) -> str:
        self._used.add(value)
        return value

    def _name(self, found: str) -> str:
        words = found.split()
        while words and (words[0].lower() in COMMON or stem(words[0].lower()) in self._known):
            words.pop(0)
        return " ".join(words)

    def _end(self, rest: str) -> str:
        """Cut what follows a preposition where the next one comes; names are cut as names."""
        named = _NAME.match(rest)
        if named and self._name(named.group()):
            return self._name(named.group())
        kept: list[str] = []
        for word in rest.split():
            if word.lower() in COMMON:
                break
            kept.append(word)
        return " ".join(kept).strip(".'\"")
