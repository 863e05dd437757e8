"""Strings that a JSON schema allows: of a format, a length, a pattern."""

from __future__ import annotations

import re
import zlib
from typing import Any

from streamui.models.demo.schema import Schema
from streamui.models.demo.talk import InvalidError

_FORMATS = {
    "date-time": "2026-03-{:02}T09:30:00Z",
    "date": "2026-03-{:02}",
    "time": "09:{:02}:00Z",
    "duration": "PT{}M",
    "email": "person{}@example.com",
    "hostname": "host{}.example.com",
    "ipv4": "192.0.2.{}",
    "ipv6": "2001:db8::{}",
    "uuid": "3f2504e0-4f89-41d3-9a0c-0305e82c33{:02}",
    "uri": "https://example.com/{}",
}
_LONGEST = 100_000
_REPEATS = 200

_SHAPES = {
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)",
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)",
    "duration": r"PT?\d+\w",
    "email": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "hostname": r"[\w-]+(?:\.[\w-]+)*",
    "ipv4": r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}",
    "ipv6": r"[\da-f:]{2,}",
    "uuid": r"[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}",
    "uri": r"[a-z][a-z\d+.-]*://\S+",
}


def fit(text: str, schema: Schema, variant: int = 1) -> str:
    """Make a text one that a schema allows.

    Args:
        text: Preferred, and kept as far as it can be.
        schema: With its ``format``, ``pattern`` and lengths.
        variant: Another number makes another string, where the text cannot be kept.
    """
    format, pattern = schema.get("format"), schema.get("pattern")
    if format in _FORMATS and not re.fullmatch(_SHAPES[format], text, re.I):
        place = variant if variant > 1 else 1 + zlib.crc32(text.encode("utf-8", "replace")) % 28
        text = _FORMATS[format].format(place % 28 or 28)
    if isinstance(pattern, str) and format not in _FORMATS:
        text = _matching(text, pattern, variant, schema)
        return text
    least, most = int(schema.get("minLength") or 0), schema.get("maxLength")
    if least > _LONGEST:
        raise InvalidError("Invalid schema: 'minLength' is too large.")
    if len(text) < least:
        text = (text + " and more" * least)[:least] if text else "x" * least
        text = text[:-1] + "." if text.endswith(" ") else text
    if isinstance(most, int) and len(text) > most:
        cut = text[:most].rstrip()
        text = cut + "x" * max(0, least - len(cut))
    return text


def _matching(text: str, pattern: str, variant: int, schema: Schema) -> str:
    try:
        wanted = re.compile(pattern.replace(r"\Z", "$"))
    except re.error:  # JavaScript's dialect has what Python's has not
        return text
    least, most = int(schema.get("minLength") or 0), schema.get("maxLength")
    if wanted.search(text) and least <= len(text) <= (most if most is not None else len(text)):
        return text
    for more in range(64):
        made = _Example(variant + more, more).write(_parse(pattern))
        if wanted.search(made) and least <= len(made) <= (most if most is not None else len(made)):
            return made
    return text


def _parse(pattern: str) -> Any:
    # Not public, but hypothesis and others stand on it too; nothing else reads a pattern.
    from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue,reportUnknownVariableType]

    return parser.parse(pattern)  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]


class _Example:
    """Writes a string that a parsed pattern matches.

    Args:
        variant: Which of those that it might be.
        more: How many repeats to give beyond what is needed.
    """

    def __init__(self, variant: int, more: int) -> None:
        self._variant = variant
        self._more = more
        self._groups: dict[int, str] = {}

    def write(self, parts: Any) -> str:
        return "".join(self._part(str(name), given) for name, given in parts)

    def _part(self, name: str, given: Any) -> str:
        if name == "LITERAL":
            return chr(given)
        if name == "NOT_LITERAL":
            return "a" if given != ord("a") else "b"
        if name == "ANY":
            return "a"
        if name == "IN":
            return self._among(given)
        if name == "BRANCH":
            return self.write(given[1][self._variant % len(given[1])])
        if name == "SUBPATTERN":
            made = self.write(given[3])
            if given[0] is not None:
                self._groups[given[0]] = made
            return made
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = given
            times = min(int(most), least + self._more, _REPEATS)
            return "".join(self.write(inner) for _ in range(times))
        if name == "GROUPREF":
            return self._groups.get(given, "")
        return ""  # an anchor or a look-around: the result is tried

    def _among(self, given: Any) -> str:
        letters: list[str] = []
        for name, part in given:
            kind = str(name)
            if kind == "NEGATE":
                refused = re.compile("[" + "".join(map(_written, given)) + "]")
                return next((c for c in "aA0 _-.!~" if refused.match(c)), "a")
            if kind == "LITERAL":
                letters.append(chr(part))
            elif kind == "RANGE":
                low, high = part
                letters += [chr(low + n) for n in range(min(10, high - low + 1))]
            elif kind == "CATEGORY":
                letters += {"DIGIT": "1234567890", "SPACE": " ", "WORD": "abcdef"}.get(
                    str(part).removeprefix("CATEGORY_"), "-"
                )
        self._variant += 1
        return letters[(self._variant - 2) % len(letters)] if letters else ""


def _written(part: tuple[Any, Any]) -> str:
    name, given = str(part[0]), part[1]
    if name == "NEGATE":
        return "^"
    if name == "RANGE":
        return f"{re.escape(chr(given[0]))}-{re.escape(chr(given[1]))}"
    if name == "CATEGORY":
        kind = str(given).removeprefix("CATEGORY_")
        letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}.get(kind.removeprefix("NOT_"), "s")
        return "\\" + (letter.upper() if kind.startswith("NOT_") else letter)
    return re.escape(chr(given))
