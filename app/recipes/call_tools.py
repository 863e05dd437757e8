"""Call tools: the model asks for a function of yours, and answers with what it gave."""

import reflex as rx

import streamui as ui


@ui.tool
def celsius_to_fahrenheit(celsius: float) -> float:
    """Convert a temperature from degrees Celsius to degrees Fahrenheit.

    Args:
        celsius: The temperature to convert.
    """
    return round(celsius * 9 / 5 + 32, 1)


class CallTools(rx.State):
    calls: ui.StreamableValue[list[str]] = ui.StreamableValue([]).done()
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        calls, answer = ui.StreamableValue([]), ui.StreamableValue("")
        async with self:
            self.calls, self.answer = calls, answer
        result = ui.stream_text(form["question"], tools=[celsius_to_fahrenheit])
        async for event in result.into(answer):
            if event.type == "tool-start":
                calls.append([f"{event.name}({event.arguments})"])
            elif event.type == "tool-result":
                calls.append([f"→ {event.result or event.sentence}"])
            yield


def page():
    return rx.vstack(
        ui.scroller(
            rx.foreach(CallTools.calls.value, lambda call: rx.code(call, variant="ghost")),
            ui.markdown(CallTools.answer),
            rx.cond(CallTools.answer.error, rx.text(CallTools.answer.error, role="alert")),
            label="Answer",
        ),
        rx.el.form(
            rx.hstack(
                rx.input(
                    name="question",
                    default_value="Convert 21 degrees Celsius to Fahrenheit",
                    aria_label="Question",
                    required=True,
                    flex="1",
                ),
                rx.button("Ask", disabled=CallTools.answer.streaming),
            ),
            on_submit=CallTools.ask,
        ),
    )
