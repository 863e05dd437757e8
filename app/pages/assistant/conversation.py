"""The assistant's state: a conversation, and the server function that answers in it."""

import dataclasses
import secrets

import reflex as rx

import streamui as ui
from app.pages.assistant.model import respond

WAITING = "waiting for its turn"


@dataclasses.dataclass
class Message:
    """A question with its answer, which may still be on its way.

    The question is complete from the beginning. As a streamable it travels once, where a plain
    ``str`` would travel again with each message that is added to the list.
    """

    id: str
    question: ui.StreamableValue[str]
    status: ui.StreamableValue[str]
    answer: ui.StreamableValue[str]


class Assistant(rx.State):
    """One conversation for each browser tab."""

    messages: rx.Field[list[Message]] = rx.field(default_factory=list)
    current: ui.StreamableValue[str] = ui.StreamableValue("").done()
    """The status of the message that is being answered, or was the last to be."""

    _conversation: str = ""
    _last_response: str | None = None
    """What the next question continues: the last answer that came to its end."""

    @rx.var(cache=False)
    def model(self) -> str:
        """The model that answers; read anew, because a restart may have given a key."""
        return ui.default_model()

    @ui.server_function
    async def ask(self, question: str, place: str = ""):
        """Answer a question, at the end of the list or in the place of another message."""
        question = question.strip()
        if not question:
            return
        fits = len(question) <= ui.settings.message_limit
        async with self:
            message = Message(
                id=place or secrets.token_urlsafe(6),
                question=ui.StreamableValue(question if fits else question[:200] + "…").done(),
                status=ui.StreamableValue(WAITING if self.current.streaming else "asking"),
                answer=ui.StreamableValue(""),
            )
            conversation = self._show(message)
        if not fits:
            raise ui.TooLongError(f"a question of {len(question)} characters")

        async with ui.turn(conversation):
            async with self:
                if message.status.closed:
                    return  # it was taken back while it waited
                self.current = message.status.update("asking")
                previous, said = self._last_response, self._said()
            stream = await respond(question, previous, said)
            async for event in ui.model_events(stream):
                message.status.update(event.provider_event)
                if event.type == "text-delta" or event.type == "refusal-delta":
                    message.answer.append(event.delta)
                elif event.type == "finish":
                    async with self:
                        if self._conversation == conversation:
                            self._last_response = event.response_id
                yield

    @rx.event
    def ask_again(self, id: str):
        """Ask a message's question again, in its place."""
        message = self._find(id)
        if message is not None and message.status.closed:
            return Assistant.ask(message.question.value, id)

    @rx.event
    def take_back(self, id: str):
        """Cancel a question that waits for its turn."""
        message = self._find(id)
        if message is not None:
            _take_back(message)

    @rx.event
    def begin_anew(self):
        """Leave this conversation for a new one, and stop what is going on in it."""
        for message in self.messages:
            _take_back(message)
        self.messages = []
        self._conversation, self._last_response = "", None
        return ui.stop(Assistant.ask)

    def _find(self, id: str) -> Message | None:
        return next((message for message in self.messages if message.id == id), None)

    def _said(self) -> list[tuple[str, str]]:
        """The questions that were answered, with their answers."""
        answered = [each for each in self.messages if each.answer.status == "done"]
        return [(each.question.value, each.answer.value) for each in answered]

    def _show(self, message: Message) -> str:
        """Put a message on the page; return the conversation that it belongs to."""
        self._conversation = self._conversation or secrets.token_urlsafe(16)
        before = self._find(message.id)
        if before is None:
            self.messages.append(message)
        else:
            self.messages[self.messages.index(before)] = message
        if not self.current.streaming:
            self.current = message.status
        return self._conversation


def _take_back(message: Message) -> None:
    if message.status.streaming and message.status.value == WAITING:
        message.status.cancel()
        message.answer.cancel()
