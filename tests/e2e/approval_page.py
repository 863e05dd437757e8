"""The page of test_approval.py: a tool that waits until somebody at the page allows it."""

import reflex as rx

import streamui as ui


@ui.tool(approval=True)
async def cancel_order(number: int) -> ui.ToolOutput:
    """Cancel an order.

    Args:
        number: The order's number.
    """
    return ui.ToolOutput(
        model=f"Order {number} is cancelled.", page={"number": number, "refund": 12.5}
    )


class Desk(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("nothing yet").done()
    calls: ui.StreamableValue[list[ui.ToolState]] = ui.StreamableValue([]).done()
    of_another_page: str = ""
    clicks: int = 0

    @rx.event
    def read_address(self):
        self.of_another_page = self.router.url.query_parameters.get("call", "")

    @rx.event
    def click(self):
        self.clicks += 1

    @ui.server_function
    async def ask(self, question: str):
        answer, calls = ui.StreamableValue(""), ui.StreamableValue([])
        async with self:
            self.answer, self.calls = answer, calls
        result = ui.stream_text(question, tools=[cancel_order]).into(answer)
        async for event in result:
            ui.track_tools(calls, event)


def call(state):
    return rx.vstack(
        rx.text(f"{state.name} {state.arguments['number']}: {state.state}", class_name="call"),
        rx.text(state.id, class_name="id"),
        rx.text(state.result.to(dict)["refund"].to_string(), class_name="refund"),
        rx.text(state.sentence, class_name="sentence"),
        rx.cond(
            Desk.calls.streaming & (state.state == "asking"),
            rx.hstack(
                rx.button("Approve", on_click=ui.approve(state.id)),
                rx.button("Deny", on_click=ui.deny(state.id, "It is on its way.")),
            ),
        ),
    )


def index():
    return rx.vstack(
        rx.button("Ask", on_click=Desk.ask("Please cancel order 17")),
        rx.button("Stop", on_click=ui.stop(Desk.ask)),
        rx.button("Approve another page's", on_click=ui.approve(Desk.of_another_page)),
        rx.button("Click", on_click=Desk.click),
        rx.text(Desk.clicks, id="clicks"),
        rx.text(Desk.of_another_page, id="other"),
        rx.foreach(Desk.calls.value, call),
        ui.text(Desk.answer, id="answer"),
        ui.status(Desk.answer, id="status"),
    )


app = rx.App()
app.add_page(index, on_load=Desk.read_address)
