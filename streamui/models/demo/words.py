"""Words: which of them are plain, which mean the same, which are numbers."""

from __future__ import annotations

import re

READ = 2_000
"""Characters of a question that are looked at: the search for values is not linear."""

COMMON = frozenset(
    "a about add after again all also an and any are as ask at be before book buy by calculate "
    "call can check compare compute convert could create current currently delete do does did draw "
    "each fetch find for from function get give go has have hello hey hi how i if in into is it "
    "know let like list look make me multiply my near need now of okay on or order please plan "
    "play print remind run save say search see send set should show start stop subtract tell than "
    "that the their them then there these this those to today tomorrow tool translate twice up "
    "update us use using want was we were what when where which who why will with would write "
    "yesterday you your".split()
)
_SPELLED: dict[str, str] = {
    word: str(number)
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve".split(), 2
    )
}
_MEANT = {
    "weather": "warm cold hot rain rainy raining snow snowing sunny windy umbrella forecast",
    "time": "clock hour hours",
    "price": "cost costs",
    "email": "mail",
    "temperature": "warm cold hot degree degrees",
}
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_SPELLED_WORD = re.compile(rf"\b(?:{'|'.join(_SPELLED)})\b", re.I)


def with_digits(text: str) -> str:
    """Write the small numbers of a text in digits; ``one`` is mostly none."""
    return _SPELLED_WORD.sub(lambda found: _SPELLED[found.group().lower()], text)


def meant_by(text: str) -> set[str]:
    """Give the stems of a text's words, and of what they hint at: an umbrella at the weather."""
    said = {stem(word) for word in words_of(text)}
    for word, hints in _MEANT.items():
        if said & {stem(hint) for hint in hints.split()}:
            said.add(word)
    return said


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
