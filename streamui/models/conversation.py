"""Conversations whose past the provider keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary, WeakValueDictionary

from streamui.errors import ModelError
from streamui.models.events import ModelEvent
from streamui.models.messages import Message
from streamui.models.provider import Model
from streamui.models.request import AnyTool, open_stream

Kind: TypeAlias = Literal["conversation", "responses", "thread"]

NOT_RUN = "This tool was not run: the turn was ended before it."
"""The result of a call that has none, for a provider that waits for one."""

_locks: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakValueDictionary[tuple[Kind, str], asyncio.Lock]
] = WeakKeyDictionary()


class Conversation:
    """A conversation that the provider remembers: give it to each turn, and ask.

    Example::

        conversation = ui.Conversation(self.conversation_id)  # "" begins a new one
        result = ui.stream_text(question, conversation=conversation)
        answer = await result.text
        async with self:
            self.conversation_id = conversation.id

    An object is as good as its id: nothing is kept in this process but what :attr:`kept` has.
    Turns of one conversation go one after the other; those in other processes are the
    provider's to refuse (``conflict``). A turn that is stopped or fails may not be remembered.

    Args:
        id: As an earlier one had it; nothing begins a new one, which has its id from the
            beginning of its first turn.
        kind: How the provider keeps it: ``conversation`` by OpenAI's Conversations, ``responses``
            by each response's id, which more servers know, and ``thread`` by the Assistants API.
        assistant: The id of the assistant that answers in a thread, which is then the kind.
        unsent: From :attr:`kept`.

    Raises:
        ValueError: A thread has no assistant, or anything else has one.
    """

    def __init__(
        self,
        id: str | None = None,
        *,
        kind: Kind | None = None,
        assistant: str = "",
        unsent: Sequence[Message] = (),
    ) -> None:
        self.id = id or ""
        self.kind: Kind = kind or ("thread" if assistant else "conversation")
        self.assistant = assistant
        if self.kind not in ("conversation", "responses", "thread"):
            raise ValueError(f"kind is conversation, responses or thread, not {kind!r}")
        if bool(assistant) != (self.kind == "thread"):
            raise ValueError("an assistant answers in a thread, and nothing else does")
        self.unsent: list[dict[str, Any]] = [dict(item) for item in unsent]
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"Conversation({self.id!r}, kind={self.kind!r})"

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], Conversation], tuple[dict[str, Any]]]:
        """Be copied and pickled as what is kept, so that a state may hold it."""
        return _restore, (self.kept,)

    @property
    def kept(self) -> dict[str, Any]:
        """All that there is to keep, as JSON: ``Conversation(**kept)`` goes on."""
        kept: dict[str, Any] = {"id": self.id, "kind": self.kind}
        if self.assistant:
            kept["assistant"] = self.assistant
        if self.unsent:
            kept["unsent"] = [dict(item) for item in self.unsent]
        return kept

    @asynccontextmanager
    async def turn(self, model: Model) -> AsyncGenerator[Turn]:
        """Wait until the turns before are over, and take this one.

        Args:
            model: Whose provider keeps the conversation.

        Yields:
            What opens the streams of this turn.

        Raises:
            ModelError: ``bad_request``: the model's API has no conversations.
            openai.OpenAIError: The provider did not begin one.
        """
        if model.api != "responses" and self.kind != "thread":
            raise ModelError("Chat Completions keeps nothing: give messages", code="bad_request")
        async with self._lock:
            turn = await self._begin(model)
            async with _lock_of(self.kind, self.id) if self.id else asyncio.Lock():
                try:
                    yield turn
                finally:
                    await turn.leave()

    async def _begin(self, model: Model) -> Turn:
        from streamui.models.assistants_turn import ThreadTurn, begin_thread

        if not self.id and self.kind != "responses":
            if self.kind == "thread":
                self.id = await begin_thread(model)
            else:
                self.id = str((await model.client().conversations.create()).id)
        return ThreadTurn(self, model) if self.kind == "thread" else Turn(self, model)


class Turn:
    """One turn of a conversation: a question, and the answer to it with all its steps.

    Args:
        conversation: Whose turn it is.
        model: Whose provider keeps it.
    """

    def __init__(self, conversation: Conversation, model: Model) -> None:
        self.conversation = conversation
        self.model = model
        self._unanswered: list[dict[str, Any]] = []

    def open_stream(
        self,
        model: Model,
        messages: Sequence[Message],
        *,
        system: str | None = None,
        tools: Sequence[AnyTool] = (),
        format: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Callable[[], Awaitable[Any]]:
        """Prepare a step; see :func:`~streamui.models.request.open_stream`.

        Args:
            model: As there; the provider is the conversation's.
            messages: What is new: the question, and then what the tools gave.
            system: As there.
            tools: As there.
            format: As there.
            options: As there.

        Returns:
            A function that sends the request and gives the stream.
        """
        given = {**plain_options(options), **self._kept_by()}
        news = self._with_owed(messages)
        return open_stream(model, news, system=system, tools=tools, format=format, options=given)

    def hear(self, event: ModelEvent) -> None:
        """Take note of an event of the answer; each one is to be told."""
        if event.type == "tool-call":
            custom = event.provider_event.startswith("response.custom_tool_call")
            kind = "custom_tool_call_output" if custom else "function_call_output"
            item = {"type": kind, "call_id": event.id, "output": NOT_RUN}
            self._unanswered.append(item)
        elif event.type == "finish":
            self.conversation.unsent, self._unanswered = self._unanswered, []
            if self.conversation.kind == "responses" and event.response_id:
                self.conversation.id = event.response_id

    def owe(self, messages: Sequence[Message]) -> None:
        """Keep the results of tools until they are sent, by this turn or by the next one.

        Args:
            messages: Anything; the results among it are meant.
        """
        results = {item["call_id"]: dict(item) for item in messages if _is_output(item)}
        unsent = self.conversation.unsent
        self.conversation.unsent = [results.get(item["call_id"], item) for item in unsent]

    async def leave(self) -> None:
        """End it; what the provider still does for it is stopped."""

    def _with_owed(self, messages: Sequence[Message]) -> list[Message]:
        """Add the results that the provider waits for, which may be those of another turn."""
        # A request that fails is not remembered: they stay unsent until an answer has come.
        self.owe(messages)
        news = [item for item in messages if not _is_output(item)]
        given = [item for item in messages if _is_output(item)]
        owed = {item["call_id"] for item in self.conversation.unsent}
        rest = [item for item in given if item["call_id"] not in owed]
        return [*self.conversation.unsent, *rest, *news]

    def _kept_by(self) -> dict[str, Any]:
        conversation = self.conversation
        known = conversation.kind == "conversation"
        key = "conversation" if known else "previous_response_id"
        return {key: conversation.id} if conversation.id else {}


def plain_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Leave out of a call's options how the provider remembers: a conversation says it.

    Args:
        options: As :func:`~streamui.models.request.open_stream` takes them.
    """
    own = ("conversation", "previous_response_id")
    return {key: value for key, value in (options or {}).items() if key not in own}


def _restore(kept: dict[str, Any]) -> Conversation:
    return Conversation(**kept)


def _is_output(item: Message) -> bool:
    return str(item.get("type")).endswith("_output")


def _lock_of(kind: Kind, id: str) -> asyncio.Lock:
    locks = _locks.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    lock = locks.get((kind, id))
    if lock is None:
        lock = locks[kind, id] = asyncio.Lock()
    return lock
