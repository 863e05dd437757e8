"""Stream assistant response: the provider keeps the conversation; status and text stream apart."""

import dataclasses

import reflex as rx

import streamui as ui


@dataclasses.dataclass
class Message:
    status: ui.StreamableValue[str]
    text: ui.StreamableValue[str]
    role: str = "assistant"


class Assistant(rx.State):
    messages: list[Message] = []
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    _kept: dict = {}  # of the conversation: one for each visitor, never a global

    @ui.server_function(concurrency=1)
    async def submit(self, form: dict[str, str]):
        sent = ui.StreamableValue("user.message.created").done()
        question = ui.StreamableValue(form["question"]).done()
        status, answer = ui.StreamableValue("thread.init"), ui.StreamableValue("")
        async with self:
            self.answer = answer
            self.messages += [Message(sent, question, "user"), Message(status, answer)]
            conversation = ui.Conversation(**self._kept)
        try:
            async for event in ui.stream_text(question.value, conversation=conversation).into(
                answer
            ):
                status.update(event.provider_event or event.type)
                yield
        finally:  # also when it was stopped
            async with self:
                self._kept = conversation.kept


def message(each: rx.Var[Message]):
    return rx.el.article(
        ui.status(each.status, aria_live="off"),
        ui.markdown(each.text),
        aria_label=each.role,
        class_name=each.role,
    )


def page():
    return rx.vstack(
        ui.scroller(
            rx.foreach(Assistant.messages, message),
            follow=Assistant.messages.length(),
        ),
        rx.el.form(
            rx.hstack(
                rx.input(name="question", placeholder="Ask a question", required=True, flex="1"),
                rx.cond(
                    Assistant.answer.streaming,
                    rx.button("Stop", type="button", on_click=ui.stop(Assistant.submit)),
                    rx.button("Send"),
                ),
            ),
            on_submit=Assistant.submit,
            reset_on_submit=True,
        ),
    )
