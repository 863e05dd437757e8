"""What a question is about."""

from __future__ import annotations

import re

_UNNAMED = "this question"

_POLITE = "please can could would will you me now also so and then ok okay hey hi hello"
_FORMS = "table list steps? plan essay story text poem code comparison formula differences?"
_ASKING = (
    "write tell give show explain describe summari[sz]e make draw compare comparing say do know "
    "what who is are was were does did me us some something to of in words? tokens? short long "
    "about on with for numbers? between"
)


def _any(words: str) -> str:
    return "|".join(words.split())


_FORM = re.compile(rf"\s+(?:in|as|with)\s+an?\s+(?:\w+\s+)?(?:{_any(_FORMS)})\s*$", re.I)
_NOISE = re.compile(
    rf"^(?:(?:{_any(_POLITE)})\b[ ,]*)*"
    rf"(?:(?:{_any(_ASKING)}|{_any(_FORMS)}|\d[\d,]*"
    # An article goes with the form it belongs to, and stays with the topic.
    rf"|(?:the|an?)(?=\s+(?:\d|(?:short|long|{_any(_FORMS)})\b)))\b[ ,:]*)*",
    re.I,
)


def topic_of(question: str) -> str:
    """Find what a question is about.

    Args:
        question: Without its steering.

    Returns:
        A few words of it that can stand in a sentence.
    """
    first = re.split(r"[?!\n]|\.(?:\s|$)", question.strip()[:500], maxsplit=1)[0]
    if re.match(r"\W*(?:why|how|when|where|which)\b", first, re.I):
        return _UNNAMED
    about = re.search(r"\b(?:about|on the topic of|regarding)\s+(.+)", first, re.I)
    topic = about.group(1) if about else _NOISE.sub("", first, count=1)
    topic = _FORM.sub("", re.split(r"[,;:]", topic, maxsplit=1)[0])
    words = re.sub(r"[\[\](){}<>*_`#|\"\\]", " ", topic).split()[:8]
    while words and words[-1].lower() in ("in", "at", "with", "and", "for", "please", "as", "to"):
        words.pop()
    return " ".join(words)[:80] or _UNNAMED
