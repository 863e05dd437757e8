"""What the demo model says to a talk, and how it is told to say it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streamui.models.demo import prose
from streamui.models.demo.replies import reply
from streamui.models.demo.steering import Steering
from streamui.models.demo.talk import Message
from streamui.models.demo.topic import topic_of

_TOKEN = re.compile(r"\s*\S+\s*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send.

    Attributes:
        steering: How to send it.
        deltas: The text, or the refusal, in the pieces it is sent in.
        reasoning: What to show of the thinking before, in pieces.
        cut_short: Whether the limit on tokens ended it early.
    """

    steering: Steering
    deltas: tuple[str, ...]
    reasoning: tuple[str, ...] = ()
    cut_short: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.deltas)

    @property
    def thought(self) -> str:
        """The whole reasoning."""
        return "".join(self.reasoning)


def answer(messages: tuple[Message, ...], limit: object = None) -> Answer:
    """Answer the last message of a talk.

    Args:
        messages: The talk; its last message by the user is the question.
        limit: The most tokens to write; anything but a positive number is no limit.

    Returns:
        The answer; the same talk gives the same.
    """
    said = [message for message in messages if message.role != "system"]
    place = max((at for at, message in enumerate(said) if message.role == "user"), default=-1)
    steering = Steering.read(said[place].text if place >= 0 else "")
    before = tuple(said[: max(place, 0)])
    deltas = _deltas(steering, before)
    reasoning = _pieces(_thought(steering)) if steering.think else ()
    if isinstance(limit, int) and 0 < limit < len(deltas):
        return Answer(steering, deltas[:limit], reasoning, cut_short=True)
    return Answer(steering, deltas, reasoning)


def _deltas(steering: Steering, before: tuple[Message, ...]) -> tuple[str, ...]:
    if steering.refuse:
        return _pieces("I'm sorry, but I can't help with that. (You asked the demo to refuse.)")
    if steering.tokens is not None:
        return tuple(prose.tokens(steering.tokens, steering.characters))
    if steering.words is not None:
        return _pieces(prose.write(topic_of(steering.question), steering.words))
    return _pieces(reply(steering.question, before))


def _thought(steering: Steering) -> str:
    return (
        f"**Reading the question**\n\nIt is about {topic_of(steering.question)}. "
        "I look for what was asked, choose a form that fits, and keep it short.\n\n"
        "I am a demo and do not really think: this shows where a model's reasoning goes."
    )


def _pieces(text: str) -> tuple[str, ...]:
    """Cut a text after each word, the white space going with the word before it."""
    return tuple(_TOKEN.findall(text))
