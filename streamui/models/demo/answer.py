"""What the demo model says to a talk, and how it is told to say it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from streamui.models.demo import prose
from streamui.models.demo.ask import Ask
from streamui.models.demo.fill import Filler
from streamui.models.demo.replies import reply
from streamui.models.demo.steering import Steering
from streamui.models.demo.story import Story
from streamui.models.demo.talk import Message, Said, ToolCall, ToolOutput, messages_of
from streamui.models.demo.tool_answer import tell
from streamui.models.demo.tool_choice import Planned, plan
from streamui.models.demo.topic import topic_of

Wait: TypeAlias = Callable[[], Awaitable[None]]

AT_ONCE = -1
"""A place before the first byte, for a wait or a cut."""

_TOKEN = re.compile(r"\s*\S+\s*")
_JSON_TOKEN = re.compile(r"\s*\w+|[^\w\s]+|\s+")


@dataclass(frozen=True, slots=True)
class Call:
    """A function to call.

    Attributes:
        name: The function.
        deltas: The JSON text of its arguments, in the pieces it is sent in.
        id: Under which its result is wanted; ``""`` for one that nobody can guess.
    """

    name: str
    deltas: tuple[str, ...]
    id: str = ""

    @property
    def arguments(self) -> str:
        """All of the arguments."""
        return "".join(self.deltas)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send.

    Attributes:
        steering: How to send it.
        deltas: The text, or the refusal, in the pieces it is sent in.
        reasoning: What to show of the thinking before, in pieces.
        calls: The functions to call after the text.
        cut_short: Whether the limit on tokens ended it early.
        waits: What to wait for before the piece at a place is sent.
    """

    steering: Steering
    deltas: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    cut_short: bool = False
    waits: Mapping[int, Wait] = field(default_factory=dict[int, Wait])

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.deltas)

    @property
    def thought(self) -> str:
        """The whole reasoning."""
        return "".join(self.reasoning)

    @property
    def speaks(self) -> bool:
        """Whether there is a message, with or without words in it."""
        return bool(self.deltas) or not self.calls

    @property
    def held(self) -> bool:
        """Whether there is something to wait for before the first byte, or no byte at all."""
        return AT_ONCE in self.waits or self.steering.after == AT_ONCE

    @property
    def words(self) -> int:
        """How many pieces it is sent in, but for the reasoning."""
        return len(self.deltas) + sum(len(call.deltas) for call in self.calls)


def answer(ask: Ask) -> Answer:
    """Answer the last message of a talk.

    Args:
        ask: The request; the last message by the user is the question.

    Returns:
        The answer; the same request gives the same.

    Raises:
        InvalidError: OpenAI would refuse the request.
    """
    said = [each for each in ask.talk if not (isinstance(each, Message) and each.role == "system")]
    place = max((at for at, each in enumerate(said) if _asks(each)), default=-1)
    question = said[place] if place >= 0 else None
    steering = Steering.read(question.text if isinstance(question, Message) else "")
    since = said[place + 1 :]
    calls = [each for each in since if isinstance(each, ToolCall)]
    wanted = () if steering.refuse else plan(ask, steering.question, calls)
    think = (steering.think or ask.thoughts) and not calls
    reasoning = pieces(_thought(steering)) if think else ()
    if wanted:
        return Answer(steering, (), reasoning, tuple(map(_call, wanted)))
    deltas = _deltas(ask, steering, said[: max(place, 0)], calls, since)
    if ask.schema is not None and not steering.refuse and steering.rate:
        # A piece of JSON is shorter than a word.
        steering = replace(steering, rate=steering.rate * 3)
    limit = ask.limit
    if isinstance(limit, int) and 0 < limit < len(deltas):
        return Answer(steering, deltas[:limit], reasoning, cut_short=True)
    return Answer(steering, deltas, reasoning)


def pieces(text: str) -> tuple[str, ...]:
    """Cut a text after each word, the white space going with the word before it."""
    return tuple(_TOKEN.findall(text)) or ((text,) if text else ())


def json_pieces(text: str) -> tuple[str, ...]:
    """Cut JSON text into pieces as small as a model's tokens."""
    return tuple(_JSON_TOKEN.findall(text))


def _asks(said: Said) -> bool:
    return isinstance(said, Message) and said.role == "user"


def _call(wanted: Planned) -> Call:
    return Call(wanted.name, json_pieces(wanted.arguments))


def _deltas(
    ask: Ask, steering: Steering, before: list[Said], calls: list[ToolCall], since: list[Said]
) -> tuple[str, ...]:
    if steering.refuse:
        return pieces("I'm sorry, but I can't help with that. (You asked the demo to refuse.)")
    if ask.schema is not None:
        made = Filler(ask.schema).fill(Story(steering.question))
        return json_pieces(json.dumps(made, separators=(",", ":"), ensure_ascii=False))
    if steering.tokens is not None:
        return tuple(prose.tokens(steering.tokens, steering.characters))
    if steering.words is not None:
        return pieces(prose.write(topic_of(steering.question), steering.words))
    outputs = {each.id: each for each in since if isinstance(each, ToolOutput)}
    rounds = [(call, outputs[call.id]) for call in calls if call.id in outputs]
    if rounds:
        return pieces(tell(rounds))
    return pieces(reply(steering.question, messages_of(before)))


def _thought(steering: Steering) -> str:
    return (
        f"**Reading the question**\n\nIt is about {topic_of(steering.question)}. "
        "I look for what was asked, choose a form that fits, and keep it short.\n\n"
        "I am a demo and do not really think: this shows where a model's reasoning goes."
    )
