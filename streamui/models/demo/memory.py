"""The responses and conversations that are kept between requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from streamui.models.demo.items import as_items, conversation_id
from streamui.models.demo.shelf import Shelf
from streamui.models.demo.talk import InvalidError
from streamui.models.demo.wire import compact, new_id

RESPONSES_KEPT = 512
CONVERSATIONS_KEPT = 256
ITEMS_KEPT = 200

Item: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Conversation:
    """A conversation kept on the server."""

    id: str
    created_at: int
    metadata: dict[str, Any]
    items: list[Item] = field(default_factory=list[Item])

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
    items: list[Item]


class Memory:
    """The last responses and conversations; older ones are forgotten."""

    def __init__(self) -> None:
        self._responses: Shelf[_Kept] = Shelf("Response", RESPONSES_KEPT)
        self._conversations: Shelf[Conversation] = Shelf("Conversation", CONVERSATIONS_KEPT)

    def keep(self, body: dict[str, Any], before: Sequence[Item], said: Sequence[Item]) -> None:
        """Remember a response and all that was said up to it.

        Args:
            body: The response in its wire form, with its ``id`` and its ``conversation``.
            before: The items of the requests before it.
            said: Those of its own request.
        """
        size = len(compact([body, list(said)]))
        items = trimmed([*before, *said])
        self._responses.put(body["id"], _Kept(body, items), size)
        conversation = self._conversations.find(conversation_id(body.get("conversation")))
        # It may have been forgotten while the answer was written.
        if conversation is not None:
            self.add(conversation.id, [*said, *body["output"]])

    def response(self, id: str) -> dict[str, Any]:
        """Get a response's wire form.

        Raises:
            UnknownError: There is none with this id.
        """
        return self._responses.get(id).body

    def input_of(self, id: str) -> list[Item]:
        """Get the items that a response was made from.

        Raises:
            UnknownError: There is none with this id.
        """
        return self._responses.get(id).items

    def before(self, previous: object, conversation: object) -> list[Item]:
        """Get what was said before a request.

        Args:
            previous: Its ``previous_response_id``.
            conversation: Its ``conversation``: an id or an object with one.

        Raises:
            UnknownError: There is no such response or conversation.
            InvalidError: It has both.
        """
        name = conversation_id(conversation)
        if previous and name:
            raise InvalidError(
                "Mutually exclusive parameters: 'previous_response_id' and 'conversation'."
            )
        if previous:
            kept = self._responses.get(str(previous))
            return [*kept.items, *kept.body["output"]]
        return list(self._conversations.get(name).items) if name else []

    def forget(self, id: str) -> None:
        """Drop a response.

        Raises:
            UnknownError: There is none with this id.
        """
        self._responses.pop(id)

    def begin(self, metadata: dict[str, Any], items: object) -> Conversation:
        """Open a conversation.

        Args:
            metadata: To give back with it.
            items: What was said in it before.
        """
        made = Conversation(new_id("conv"), int(time.time()), metadata)
        self._conversations.put(made.id, made)
        self.add(made.id, as_items(items))
        return made

    def conversation(self, id: str) -> Conversation:
        """Get a conversation, and count that as a use.

        Raises:
            UnknownError: There is none with this id.
        """
        return self._conversations.get(id)

    def add(self, id: str, items: Sequence[Item]) -> None:
        """Add items to the end of a conversation.

        Raises:
            UnknownError: There is none with this id.
        """
        conversation = self._conversations.get(id)
        conversation.items = trimmed([*conversation.items, *items])
        self._conversations.grow(id, len(compact(list(items))))

    def close(self, id: str) -> None:
        """Forget a conversation.

        Raises:
            UnknownError: There is none with this id.
        """
        self._conversations.pop(id)


def trimmed(items: list[Item]) -> list[Item]:
    """Drop the oldest of too many items; what is left begins with a user's message."""
    if len(items) <= ITEMS_KEPT:
        return items
    kept = items[-ITEMS_KEPT:]
    places = (at for at, item in enumerate(kept) if item.get("role") == "user")
    return kept[next(places, 0) :]
