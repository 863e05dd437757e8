"""What was said: the messages, the tool calls and the tools' results of a request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

Role: TypeAlias = Literal["user", "assistant", "system"]


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was said.

    Attributes:
        role: Who said it.
        text: The words.
    """

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wanted called.

    Attributes:
        id: Under which its result is expected.
        name: The function.
        arguments: As the model wrote them: JSON text.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a function gave back.

    Attributes:
        id: Of the call.
        text: The result, as text.
    """

    id: str
    text: str


Said: TypeAlias = Message | ToolCall | ToolOutput
Talk: TypeAlias = tuple[Said, ...]


class InvalidError(ValueError):
    """A request that OpenAI would refuse, with what it would say."""


def messages_of(talk: Sequence[Said]) -> tuple[Message, ...]:
    """Leave only the messages of a talk."""
    return tuple(said for said in talk if isinstance(said, Message))


def objects(given: object) -> list[dict[str, Any]]:
    """Give the objects of a list that came over the wire; of anything else, none."""
    items = cast("list[Any]", given) if isinstance(given, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


def said_text(said: Said) -> str:
    """Give the words of something that was said."""
    return said.arguments if isinstance(said, ToolCall) else said.text


def read_talk(given: object) -> Talk:
    """Read the ``input`` of a response, the ``messages`` of a chat or the items of either.

    Args:
        given: A string or a list; what is of no meaning here is left out.

    Returns:
        The messages that have text, the calls and the results, in their order.
    """
    if isinstance(given, str):
        return (Message("user", given),)
    return tuple(said for item in objects(given) for said in _read(item))


def check_pairs(talk: Talk, unanswered: str, unasked: str) -> None:
    """Check that each call has its result after it, as OpenAI does.

    Args:
        talk: All of it.
        unanswered: What to say of calls without a result; ``{}`` becomes their ids.
        unasked: What to say of a result without a call.

    Raises:
        InvalidError: One is missing.
    """
    waiting: list[str] = []
    for said in talk:
        if isinstance(said, ToolCall):
            waiting.append(said.id)
        elif isinstance(said, ToolOutput):
            if said.id not in waiting:
                raise InvalidError(unasked.format(said.id))
            waiting.remove(said.id)
    if waiting:
        raise InvalidError(unanswered.format(", ".join(waiting)))


def _read(item: dict[str, Any]) -> Iterator[Said]:
    kind, role = item.get("type"), item.get("role")
    text = text_of(item.get("content"))
    if kind == "function_call":
        yield _call(item.get("call_id"), item)
    elif kind == "function_call_output":
        yield ToolOutput(str(item.get("call_id")), text_of(item.get("output")))
    elif role == "tool":
        yield ToolOutput(str(item.get("tool_call_id")), text)
    elif role in ("system", "developer") and text:
        yield Message("system", text)
    elif role in ("user", "assistant"):
        if text:
            yield Message(role, text)
        for call in objects(item.get("tool_calls")):
            [function] = objects([call.get("function")]) or [{}]
            yield _call(call.get("id"), function)


def _call(id: object, function: dict[str, Any]) -> ToolCall:
    return ToolCall(str(id), str(function.get("name")), str(function.get("arguments") or "{}"))


def text_of(content: object) -> str:
    """Read the text of a message's content or of a tool's output.

    Args:
        content: A string, a list of parts, or anything else.

    Returns:
        The text of its parts, each on a line of its own.
    """
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return json.dumps(content)
    if not isinstance(content, list):
        return ""
    parts: list[str] = []
    for part in cast("list[Any]", content):
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict):
            text = cast("dict[str, Any]", part).get("text")
            parts.append(text if isinstance(text, str) else "")
    return "\n".join(part for part in parts if part)
