"""What was said before: the messages of a request, and the conversations kept between them."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

RESPONSES_KEPT = 512
CONVERSATIONS_KEPT = 256
MESSAGES_KEPT = 60

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


class UnknownError(LookupError):
    """A response or a conversation that is not, or no longer, in memory."""


@dataclass(slots=True)
class Conversation:
    """A conversation kept on the server."""

    id: str
    created_at: int
    metadata: dict[str, Any]
    messages: tuple[Message, ...] = ()

    def body(self) -> dict[str, Any]:
        """Make its form on the wire."""
        return {
            "id": self.id,
            "object": "conversation",
            "created_at": self.created_at,
            "metadata": self.metadata,
        }


@dataclass(slots=True)
class _Kept:
    body: dict[str, Any]
    messages: tuple[Message, ...]


@dataclass(slots=True)
class Memory:
    """The last responses and conversations; older ones are forgotten."""

    _responses: OrderedDict[str, _Kept] = field(default_factory=OrderedDict[str, _Kept])
    _conversations: OrderedDict[str, Conversation] = field(
        default_factory=OrderedDict[str, Conversation]
    )

    def keep(self, body: dict[str, Any], messages: tuple[Message, ...]) -> None:
        """Remember a response and all that was said up to it.

        Args:
            body: The response in its wire form, with its ``id`` and its ``conversation``.
            messages: The talk, the answer included.
        """
        messages = messages[-MESSAGES_KEPT:]
        self._responses[body["id"]] = _Kept(body, messages)
        if len(self._responses) > RESPONSES_KEPT:
            self._responses.popitem(last=False)
        conversation = body.get("conversation")
        if conversation:
            # It may have been forgotten while the answer was written.
            with suppress(UnknownError):
                self.conversation(conversation["id"]).messages = messages

    def response(self, id: str) -> dict[str, Any]:
        """Get a response's wire form.

        Raises:
            UnknownError: There is none with this id.
        """
        return self._response(id).body

    def before(self, previous: object, conversation: object) -> tuple[Message, ...]:
        """Get what was said before a request.

        Args:
            previous: Its ``previous_response_id``.
            conversation: Its ``conversation``: an id or an object with one.

        Raises:
            UnknownError: There is no such response or conversation.
        """
        if previous:
            return self._response(str(previous)).messages
        name = conversation_id(conversation)
        return self.conversation(name).messages if name else ()

    def forget(self, id: str) -> None:
        """Drop a response.

        Raises:
            UnknownError: There is none with this id.
        """
        self._response(id)
        del self._responses[id]

    def begin(self, metadata: dict[str, Any], items: object) -> Conversation:
        """Open a conversation.

        Args:
            metadata: To give back with it.
            items: What was said in it before.
        """
        id = f"conv_{secrets.token_hex(24)}"
        made = Conversation(id, int(time.time()), metadata, read_messages(items))
        self._conversations[id] = made
        if len(self._conversations) > CONVERSATIONS_KEPT:
            self._conversations.popitem(last=False)
        return made

    def conversation(self, id: str) -> Conversation:
        """Get a conversation, and count that as a use.

        Raises:
            UnknownError: There is none with this id.
        """
        try:
            self._conversations.move_to_end(id)
        except KeyError:
            raise UnknownError(f"Conversation with id '{id}' not found.") from None
        return self._conversations[id]

    def _response(self, id: str) -> _Kept:
        try:
            return self._responses[id]
        except KeyError:
            raise UnknownError(f"Response with id '{id}' not found.") from None


def conversation_id(conversation: object) -> str:
    """Read a request's ``conversation``: an id, an object with one, or nothing."""
    if isinstance(conversation, dict):
        return str(cast("dict[str, Any]", conversation).get("id") or "")
    return str(conversation or "")


def read_messages(given: object) -> tuple[Message, ...]:
    """Read the ``input`` of a response, the ``messages`` of a chat or the items of either.

    Args:
        given: A string or a list of messages; what is no message is left out.

    Returns:
        The messages that have text.
    """
    if isinstance(given, str):
        return (Message("user", given),)
    if not isinstance(given, list):
        return ()
    messages: list[Message] = []
    for item in cast("list[Any]", given):
        if not isinstance(item, dict):
            continue
        said = cast("dict[str, Any]", item)
        role = said.get("role")
        text = _text(said.get("content"))
        if role in ("user", "assistant") and text:
            messages.append(Message(role, text))
        elif role in ("system", "developer") and text:
            messages.append(Message("system", text))
    return tuple(messages)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
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
