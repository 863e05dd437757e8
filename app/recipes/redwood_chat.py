"""Chat by event stream: RedwoodSDK's chat in Python, with the raw stream that the model sends."""

import reflex as rx

import streamui as ui


class Chat(rx.State):
    message: str = ""
    reply: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True)
    async def send(self, form: dict[str, str]):
        reply = ui.StreamableValue("")
        async with self:
            self.message, self.reply = form["message"], reply

        def on_chunk(event: ui.ServerSentEvent):
            for choice in event.json()["choices"]:
                reply.append(choice["delta"].get("content") or "")

        response = ui.default_client().chat.completions.with_streaming_response.create(
            model=ui.default_model(),
            messages=[{"role": "user", "content": form["message"]}],
            stream=True,
        )
        # To `[DONE]`: a stream that ends without it was cut off.
        await ui.consume_event_stream(response, on_chunk=on_chunk, expect_done=True)


def page():
    sending = Chat.reply.streaming
    return rx.vstack(
        ui.scroller(
            ui.text(Chat.message, class_name="user"),
            ui.markdown(Chat.reply),
            rx.cond(Chat.reply.error, rx.text(Chat.reply.error, role="alert", color_scheme="red")),
        ),
        rx.el.form(
            rx.hstack(
                rx.input(name="message", placeholder="Type a message…", required=True, flex="1"),
                rx.button(rx.cond(sending, "Sending…", "Send"), disabled=sending),
            ),
            on_submit=Chat.send,
            reset_on_submit=True,
        ),
    )
