"""The plain sentences that tell the demo model how to answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

DEFAULT_RATE = 40.0
"""Words per second, where nothing is said."""

LONGEST = 50_000
"""Words or tokens in one answer, whatever is asked for."""

Fault: TypeAlias = Literal["status", "stall", "cut", "nonsense", "expire"]

_UNIT = r"(?:words?|tokens?)"
# Every run of digits or blanks is matched in one way only: a message may have 100,000 characters.
_COUNT = r"[\d,]{0,15}\d"
_AFTER = rf"(?:(?:\s*,)?\s+after\s+(?P<after>{_COUNT})\s+{_UNIT})?"
_FAULTS: tuple[tuple[Fault, re.Pattern[str]], ...] = (
    (
        "status",
        re.compile(
            r"\bfail(?:ing)?(?:\s+(?P<times>once|twice|\d{1,3}\s+times))?\s+with\s+(?:an?\s+)?"
            rf"(?:http\s+|status\s+|error\s+)*(?P<status>[45]\d\d)(?:\s+(?P<times2>once|twice)\b)?"
            rf"{_AFTER}",
            re.I,
        ),
    ),
    ("stall", re.compile(rf"\bstall\s+after\s+(?P<after>{_COUNT})\s+{_UNIT}", re.I)),
    # Alone it must be an order: there are stalls on every market.
    ("stall", re.compile(r"(?:^|[.,;:!]|\bthen\b|\bplease\b)\s*stall\b", re.I)),
    ("cut", re.compile(rf"\bcut\s+(?:off\s+)?the\s+connection{_AFTER}", re.I)),
    ("nonsense", re.compile(rf"\bsend\s+nonsense{_AFTER}", re.I)),
    ("expire", re.compile(rf"\blet\s+(?:it|the\s+run)\s+expire{_AFTER}", re.I)),
)
_RETRY = re.compile(r"\b(?:and\s+)?retry\s+after\s+(\d{1,6}(?:\.\d{1,6})?)\s+seconds?\b", re.I)
_RATE = re.compile(
    rf"\bat\s+({_COUNT}(?:\.\d{{1,6}})?)\s+{_UNIT}\s*(?:per|a|each|/)\s*(?:second|sec|s)\b", re.I
)
_FLAT_OUT = re.compile(
    r"\b(?:at\s+full\s+speed|flat\s+out|as\s+fast\s+as\s+(?:you\s+can|possible))\b", re.I
)
_TOKENS = re.compile(rf"\b({_COUNT})\s+tokens(?:\s+of\s+(\d{{1,6}})\s+char(?:acter)?s?)?\b", re.I)
_WORDS = re.compile(rf"\b({_COUNT})(?:\s+|-)words?\b", re.I)
_THINK = re.compile(r"\bthink(?:ing)?\s+first\b(?:(?:\s*,)?\s+(?:and\s+)?then\b)?", re.I)
_REFUSE = re.compile(
    r"(?:^|[.,;:!]|\band\b|\bthen\b|\bplease\b)\s*refuse\b(?:\s+to\b)?|\brefuse\s+(?:this|it)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Steering:
    """How to answer.

    Attributes:
        question: What is left of the message when the steering is taken out.
        words: Words to write, exactly; ``None`` leaves it to the model.
        tokens: Tokens to write instead of words; ``None`` for none.
        characters: The length of each of those tokens.
        rate: Words or tokens per second; ``None`` for no delay at all.
        fault: What to do wrong.
        after: How many words to write before that.
        status: The HTTP status to fail with.
        times: How many times the same request fails before it succeeds; ``None`` for ever.
        retry_after: Seconds to say with a 429; ``None`` to say nothing.
        think: Whether to reason first.
        refuse: Whether to refuse.
        message: What to say with a failure; ``""`` for the usual.
        code: The provider's code of a failure; ``""`` for the usual.
        headers: To send with an HTTP status, besides.
        nonsense: The bytes that are sent as nonsense; ``b""`` for the usual.
    """

    question: str = ""
    words: int | None = None
    tokens: int | None = None
    characters: int = 5
    rate: float | None = DEFAULT_RATE
    fault: Fault | None = None
    after: int = 0
    status: int = 500
    times: int | None = None
    retry_after: float | None = 1.0
    think: bool = False
    refuse: bool = False
    message: str = ""
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    nonsense: bytes = b""

    @property
    def told(self) -> str:
        """What to say with a failure."""
        return self.message or f"The demo was asked to fail with {self.status}."

    @classmethod
    def read(cls, message: str) -> Steering:
        """Find the steering in a message.

        Args:
            message: What the user wrote.

        Returns:
            The steering, and the question without it.
        """
        rest = message
        fault: Fault | None = None
        found: dict[str, str | None] = {}
        for kind, pattern in _FAULTS:
            match = pattern.search(rest)
            if match:
                fault, found = kind, match.groupdict()
                rest = _without(rest, match)
                break
        retry, rest = _take(_RETRY, rest)
        speed, rest = _take(_RATE, rest)
        flat_out, rest = _take(_FLAT_OUT, rest)
        think, rest = _take(_THINK, rest)
        refuse, rest = _take(_REFUSE, rest)
        tokens = _TOKENS.search(rest)
        words = None if tokens else _WORDS.search(rest)
        return cls(
            question=rest.strip(" ,;"),
            words=_count(words.group(1)) if words else None,
            tokens=_count(tokens.group(1)) if tokens else None,
            characters=min(100, max(1, int(tokens.group(2) or 5))) if tokens else 5,
            rate=None if flat_out else _rate(speed.group(1)) if speed else DEFAULT_RATE,
            fault=fault,
            after=_count(found.get("after") or "0"),
            status=int(found.get("status") or 500),
            times=_times(found.get("times") or found.get("times2")),
            retry_after=float(retry.group(1)) if retry else 1.0,
            think=think is not None,
            refuse=refuse is not None,
        )


def _take(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str] | None, str]:
    match = pattern.search(text)
    return (match, _without(text, match)) if match else (None, text)


def _without(text: str, match: re.Match[str]) -> str:
    before, after = text[: match.start()].rstrip(" ,;"), text[match.end() :].lstrip(" ,;")
    joined = f"{before} {after}" if before and after else before or after
    return re.sub(r"(?<!\s)\s+([.,!?])", r"\1", joined)


def _count(digits: str) -> int:
    return min(LONGEST, int(digits.replace(",", "")))


def _rate(digits: str) -> float | None:
    rate = float(digits.replace(",", ""))
    return rate if rate > 0 else DEFAULT_RATE


def _times(said: str | None) -> int | None:
    if said is None:
        return None
    return {"once": 1, "twice": 2}.get(said.lower()) or int(said.split()[0])
