"""What a sentence offers to fill in: names, numbers, quotations, dates, words of an enum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from streamui.models.demo.topic import topic_of

READ = 2_000
"""Characters of a question that are looked at: the search for values is not linear."""

_COMMON = frozenset(
    "a about add after again all also an and any are as ask at be before book buy by calculate "
    "call can check compare compute convert could create current currently delete do does did draw "
    "each fetch find for from function get give go has have hello hey hi how i if in into is it "
    "know let like list look make me multiply my near need now of okay on or order please plan "
    "play print remind run save say search see send set should show start stop subtract tell than "
    "that the their them then there these this those to today tomorrow tool translate twice up "
    "update us use using want was we were what when where which who why will with would write "
    "yesterday you your".split()
)
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
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_FORMATS = {
    "date": re.compile(r"\b\d{4}-\d\d-\d\d\b"),
    "date-time": re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?\b"),
    "time": re.compile(r"\b\d\d:\d\d(?::\d\d)?\b"),
    "email": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
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


def words_of(text: str) -> list[str]:
    """Split names and sentences into plain lower-case words: ``getWeather`` has two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).replace("_", " ").replace("-", " ")
    return [word.lower() for word in _WORD.findall(spaced)]


def stem(word: str) -> str:
    """Cut a word's ending, so that ``cities`` and ``city`` are the same."""
    for ending, kept in (("ies", "y"), ("sses", "ss"), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) > 2 and not word.endswith("ss"):
            return word[: -len(ending)] + kept
    return word


class Clues:
    """The values of one sentence; each is given out once.

    Args:
        text: The sentence.
        known: Words that name the tool and are no values.
    """

    def __init__(self, text: str, known: Sequence[str] = ()) -> None:
        self.text = text
        self._known = {stem(word) for word in known}
        self._used: set[str] = set()
        self._given: dict[str, str | None] = {}
        self.quoted = [a or b for a, b in _QUOTED.findall(text)]
        plain = _QUOTED.sub(" ", text)
        self.numbers = [found.group().replace(",", "") for found in _NUMBER.finditer(plain)]
        self.names = [name for found in _NAME.findall(plain) if (name := self._name(found))]
        self._placed = [(word.lower(), self._end(rest)) for word, rest in _PLACED.findall(plain)]

    @property
    def candidates(self) -> list[str]:
        """What may be a value by itself: quotations, names, numbers."""
        return [*self.quoted, *self.names, *self.numbers]

    def bare(self) -> bool:
        """Say whether there is nothing in it but values: "and in Oslo"."""
        rest = self.text
        for value in self.candidates:
            rest = rest.replace(value, " ")
        return bool(self.candidates) and not set(words_of(rest)) - _COMMON

    def phrase(self) -> str:
        """What is left without the words of asking and the tool's own."""
        words = self.text.strip(" .?!,;:").split()

        def idle(word: str) -> bool:
            plain = word.lower().strip(",.;:'\"")
            return plain in _COMMON or stem(plain) in self._known

        while words and idle(words[0]):
            words.pop(0)
        while words and words[-1].lower() in _COMMON:
            words.pop()
        return " ".join(words) or topic_of(self.text)

    def number(self, name: str) -> float | None:
        """Find the number that stands beside a name, or the next that is left."""
        for word in words_of(name):
            near = re.search(
                rf"({_NUMBER.pattern})\s*{re.escape(stem(word))}"
                rf"|\b{re.escape(stem(word))}\w*\s+(?:of\s+|is\s+|=\s*)?({_NUMBER.pattern})",
                self.text,
                re.I,
            )
            if near:
                return float(self._take((near.group(1) or near.group(2)).replace(",", "")))
        left = [number for number in self.numbers if number not in self._used]
        return float(self._take(left[0])) if left else None

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
        for names, before in _BEFORE:
            if words & set(names.split()) and (value := self._after(before.split())):
                return self._take(value)
        if words & _WHEN and (day := _DAYS.search(self.text)):
            return day.group()
        if sure:
            return None
        for value in (*self.quoted, *(() if words & _FREE else self.names)):
            if value not in self._used:
                return self._take(value)
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
        while words and (words[0].lower() in _COMMON or stem(words[0].lower()) in self._known):
            words.pop(0)
        return " ".join(words)

    def _end(self, rest: str) -> str:
        """Cut what follows a preposition where the next one comes; names are cut as names."""
        named = _NAME.match(rest)
        if named and self._name(named.group()):
            return self._name(named.group())
        kept: list[str] = []
        for word in rest.split():
            if word.lower() in _COMMON:
                break
            kept.append(word)
        return " ".join(kept).strip(".'\"")
