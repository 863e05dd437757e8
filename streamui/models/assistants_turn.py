"""A turn in an Assistants thread, for the servers that still have them."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streamui.errors import ModelError
from streamui.models.assistants import cancel_newest_run, cancel_run
from streamui.models.conversation import Turn, plain_options
from streamui.models.events import ModelEvent
from streamui.models.messages import Message, chat_messages
from streamui.models.provider import Model
from streamui.models.request import AnyTool, chat_arguments
from streamui.settings import settings

if TYPE_CHECKING:
    from streamui.models.conversation import Conversation


async def begin_thread(model: Model) -> str:
    """Begin a thread.

    Args:
        model: Whose provider keeps it.

    Returns:
        Its id.
    """
    threads: Any = model.client().beta.threads
    return str((await _quietly(threads.create)).id)


class ThreadTurn(Turn):
    """A run of a thread's assistant, gone on with after each call of tools.

    The assistant has its own model, instructions and tools. ``system`` is added to its
    instructions; tools that are given stand in place of its own.
    """

    def __init__(self, conversation: Conversation, model: Model) -> None:
        super().__init__(conversation, model)
        self._run = ""  # the one that waits for results
        self._nameless = False  # whether one may have begun whose id is not known

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
        """Prepare a step: a run, or the results that it waits for."""
        news = self._with_owed(messages)
        given_options = plain_options(options)
        runs: Any = model.client().beta.threads.runs
        thread = self.conversation.id
        asked = False

        async def go_on() -> Any:
            outputs = [
                {"tool_call_id": item["tool_call_id"], "output": item["content"]}
                for item in chat_messages(news)
            ]
            given = {"thread_id": thread, "tool_outputs": outputs, "stream": True}
            stream = await _quietly(runs.submit_tool_outputs, self._run, **given)
            self._run = ""
            return stream

        async def ask() -> Any:
            nonlocal asked
            # What a run that failed was asked is in the thread already.
            given = _arguments([] if asked else news, system, tools, format, given_options)
            given |= {"assistant_id": self.conversation.assistant, "stream": True}
            self._nameless = True
            try:
                stream = await _quietly(runs.create, thread, **given)
            except Exception as error:
                self._nameless = not hasattr(error, "status_code")  # else it was refused
                raise
            asked = True
            return stream

        return go_on if self._run else ask

    def hear(self, event: ModelEvent) -> None:
        """Take note of an event of the answer; each one is to be told."""
        super().hear(event)
        if event.provider_event.startswith("thread.run"):
            self._nameless = False
        if event.type == "finish" and event.reason == "tool-calls":
            self._run = event.response_id

    async def leave(self) -> None:
        """Cancel the run that is left: its thread would take nothing until it has ended."""
        conversation = self.conversation
        conversation.unsent = []
        if self._run:
            stop = cancel_run(self.model.client(), conversation.id, self._run)
        elif self._nameless:
            stop = cancel_newest_run(self.model.client(), conversation.id)
        else:
            return
        self._run, self._nameless = "", False
        await asyncio.wait([stop], timeout=settings.stop_grace)


def _arguments(
    messages: Sequence[Message],
    system: str | None,
    tools: Sequence[AnyTool],
    format: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Write a call in the words of a run, which are mostly those of Chat Completions."""
    made = chat_arguments(messages, system, tools, format, options)
    del made["stream_options"]
    said = made.pop("messages")
    system_texts = [str(each["content"]) for each in said if each["role"] == "system"]
    if system_texts:
        made["additional_instructions"] = "\n\n".join(system_texts)
    made["additional_messages"] = [x for x in said if x["role"] in ("user", "assistant")]
    return made


async def _quietly(call: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
    """Call one of the SDK's methods for threads, all of which warn that they will go."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            answer = call(*args, **options)
        except TypeError as error:  # an option that it does not know
            raise ModelError(str(error), code="bad_request") from error
    return await answer
