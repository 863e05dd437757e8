"""Generate text with chat prompt: a conversation whose answers come whole."""

import dataclasses

import reflex as rx

import streamui as ui


@dataclasses.dataclass
class Message:
    role: str
    text: ui.StreamableValue[str]


class Chat(rx.State):
    messages: list[Message] = []
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(concurrency=1)
    async def ask(self, form: dict[str, str]):
        question, answer = ui.StreamableValue(form["question"]).done(), ui.StreamableValue("")
        async with self:
            self.answer = answer
            self.messages += [Message("user", question), Message("assistant", answer)]
            said = [{"role": each.role, "content": each.text.value} for each in self.messages]
        answer.done(await ui.stream_text(messages=said[:-1]).text)

    @rx.event
    def clear(self):
        self.messages = []
        return ui.stop(Chat.ask)


@rx.memo
def message(role: rx.Var[str], text: rx.Var[ui.StreamableValue[str]]) -> rx.Component:
    return rx.el.article(
        ui.markdown(text),
        rx.cond(text.error, rx.text(text.error, role="alert")),
        aria_label=role,
        class_name=role,
    )


def page():
    return rx.vstack(
        ui.scroller(
            rx.foreach(Chat.messages, lambda each: message(role=each.role, text=each.text)),
            follow=Chat.messages.length(),
        ),
        rx.el.form(
            rx.hstack(
                rx.input(name="question", placeholder="Message", required=True, flex="1"),
                rx.cond(
                    Chat.answer.streaming,
                    rx.button("Stop", type="button", on_click=ui.stop(Chat.ask)),
                    rx.button("Send"),
                ),
                rx.button("Clear", type="button", variant="soft", on_click=Chat.clear),
            ),
            on_submit=Chat.ask,
            reset_on_submit=True,
        ),
    )
