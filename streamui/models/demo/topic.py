"""What a question is about."""

from __future__ import annotations

import re

_UNNAMED = "this question"
_NOISE = re.compile(
    r"^(?:(?:please|can|could|would|will|you|me|now|also|so|and|then|ok|okay|hey|hi|hello)\b[ ,]*)*"
    r"(?:(?:write|tell|give|show|explain|describe|summari[sz]e|make|draw|list|compare|say|do|know"
    r"|what|who|why|how|when|where|which|is|are|was|were|does|did|me|us|some|something"
    r"|to|of|in|\d[\d,]*|words?|tokens?|table|list|steps?|plan|essay|story|text|poem|code"
    r"|comparison|comparing|short|long|about|on|with|for|numbers?|formula"
    r"|(?:the|an?)(?=\s+(?:\d|(?:short|long|table|list|steps?|plan|essay|story|text|poem|code|comparison"
    r"|formula)\b)))\b[ ,:]*)*",
    re.I,
)


def topic_of(question: str) -> str:
    """Find what a question is about.

    Args:
        question: Without its steering.

    Returns:
        A few words of it that can stand in a sentence.
    """
    first = re.split(r"[?!\n]|\.(?:\s|$)", question.strip(), maxsplit=1)[0]
    if re.match(r"\W*(?:why|how|when|where|which)\b", first, re.I):
        return _UNNAMED
    about = re.search(r"\b(?:about|on the topic of|regarding)\s+(.+)", first, re.I)
    topic = about.group(1) if about else _NOISE.sub("", first, count=1)
    topic = re.split(r"[,;:]", topic, maxsplit=1)[0]
    words = re.sub(r"[\[\](){}<>*_`#|\"\\]", " ", topic).split()[:8]
    while words and words[-1].lower() in ("in", "at", "with", "and", "for", "please", "as", "to"):
        words.pop()
    return " ".join(words)[:80] or _UNNAMED
