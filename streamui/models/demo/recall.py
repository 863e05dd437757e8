"""Answers that come from what was said before."""

from __future__ import annotations

import re

from streamui.models.demo import prose
from streamui.models.demo.talk import Message
from streamui.models.demo.topic import topic_of

_NAME = re.compile(
    r"\bmy name is ([^\W\d_][\w'-]*(?: [A-Z][\w'-]*)?)|\bcall me ([^\W\d_][\w'-]*)", re.I
)
_ASKS_NAME = re.compile(r"\bwhat(?:'s| is) my name\b|\bwho am i\b|\bremember my name\b", re.I)
_ASKS_BEFORE = re.compile(
    r"\bwhat (?:did|have) i (?:just )?(?:ask|say|said|asked|tell|told|write|written)\b"
    r"|\bmy (?:last|previous|first) (?:question|message)\b|\bwhat were we talking about\b",
    re.I,
)
_GO_ON = re.compile(r"^\W*(?:continue|go on|carry on|more|tell me more|and then)\W*$", re.I)
_SHORTER = re.compile(
    r"^\W*(?:make (?:it|that) )?(?:shorter|summari[sz]e (?:it|that)|tl;?dr)\W*$", re.I
)
_LONGER = re.compile(r"^\W*(?:(?:make (?:it|that) )?longer|in more detail)\W*$", re.I)


def recall(question: str, before: tuple[Message, ...]) -> str | None:
    """Answer from memory.

    Args:
        question: What is asked now.
        before: What was said before.

    Returns:
        The answer, or ``None`` when the question is not about what was said.
    """
    asked = [message.text for message in before if message.role == "user"]
    answered = [message.text for message in before if message.role == "assistant"]
    if _ASKS_NAME.search(question):
        return _name(asked)
    if _ASKS_BEFORE.search(question):
        return _questions(asked)
    introduced = _NAME.search(question)
    if introduced:
        name = next(group for group in introduced.groups() if group)
        return f"Nice to meet you, **{name}**! I'll remember that for as long as we talk.\n"
    if not answered:
        return None
    if _SHORTER.search(question):
        return f"**In short:** {_first_sentences(answered[-1], 1)}\n"
    if _GO_ON.search(question) or _LONGER.search(question):
        return _more(asked, len(answered))
    return None


def _name(asked: list[str]) -> str:
    for text in reversed(asked):
        found = _NAME.search(text)
        if found:
            name = next(group for group in found.groups() if group)
            return f"Your name is **{name}**: you told me earlier.\n"
    return "You haven't told me yet. Say *my name is …* and ask again.\n"


def _questions(asked: list[str]) -> str:
    if not asked:
        return "Nothing yet: this is the first thing you have said to me.\n"
    lines = "\n".join(f"{n}. {_shown(text)}" for n, text in enumerate(asked[-10:], 1))
    last = _shown(asked[-1])
    return f"Before this you asked: *{last}*\n\nOur talk so far:\n\n{lines}\n"


def _more(asked: list[str], turns: int) -> str:
    questions = [text for text in asked if not (_GO_ON.search(text) or _LONGER.search(text))]
    topic = topic_of(questions[-1]) if questions else "this"
    text = prose.write(f"{topic}, part {turns + 1}", 80)
    return f"### More about {topic}\n\n{text}\n"


def _first_sentences(text: str, count: int) -> str:
    plain = [
        line
        for line in re.sub(r"```.*?```", "", text, flags=re.S).splitlines()
        if line.strip() and line[0] not in "#|>-*$" and not line[0].isdigit()
    ]
    sentences = re.split(r"(?<=[.!?])\s+", " ".join(plain))
    return " ".join(sentences[:count]) or "there was nothing but code."


def _shown(text: str) -> str:
    line = " ".join(re.sub(r"[*_`#>|<\[\]]", " ", text).split())
    return line if len(line) <= 120 else f"{line[:119]}…"
