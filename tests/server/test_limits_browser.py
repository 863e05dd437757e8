"""What a person sees of a limit, in a browser."""

import pytest
from playwright.sync_api import expect

SOURCE = """
import asyncio
import reflex as rx
import streamui as ui

class Stage(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    long: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def wait(self):
        answer = ui.StreamableValue("waiting")
        async with self:
            self.answer = answer
        await asyncio.Event().wait()

    @ui.server_function
    async def open_too_many(self):
        answer = ui.StreamableValue("as far as this")
        async with self:
            self.answer = answer
        others = [ui.StreamableValue("") for _ in range(5)]

    @ui.server_function
    async def write_too_much(self):
        long = ui.StreamableValue("")
        async with self:
            self.long = long
        for _ in range(1000):
            long.append("x" * 1000)

    @ui.server_function
    async def be_long(self):
        long = ui.StreamableValue("")
        async with self:
            self.long = long
        long.append("0123456789" * 80_000)

def index():
    return rx.vstack(
        rx.text(Stage.answer.value, id="answer"),
        rx.text(Stage.answer.error, id="error"),
        rx.text(Stage.long.value.to(str).length(), id="length"),
        rx.text(Stage.long.status, id="status"),
        rx.button("wait", on_click=Stage.wait),
        rx.button("open", on_click=Stage.open_too_many),
        rx.button("write", on_click=Stage.write_too_much),
        rx.button("long", on_click=Stage.be_long),
        rx.button("stop", on_click=ui.stop(Stage.wait)),
    )

app = rx.App()
app.add_page(index)
"""
SENTENCE = "That is more than this server allows at once. Try again in a moment."

pytestmark = pytest.mark.browser


def test_each_limit_is_a_sentence_on_a_page_that_goes_on(page, run_app):
    server = run_app(
        SOURCE,
        STREAMUI_RUNS_PER_PAGE="1",
        STREAMUI_STREAMS_PER_PAGE="3",
        STREAMUI_VALUE_BYTES="900000",
        STREAMUI_FRAME_BYTES="50000",
    )
    page.goto(server.url)
    # One run too many.
    page.get_by_role("button", name="wait").click()
    expect(page.locator("#answer")).to_have_text("waiting")
    page.get_by_role("button", name="write").click()
    expect(page.get_by_text(SENTENCE)).to_be_visible()
    expect(page.locator("#answer")).to_have_text("waiting")
    page.get_by_role("button", name="stop").click()
    # One stream too many.
    page.get_by_role("button", name="open").click()
    expect(page.locator("#answer")).to_have_text("as far as this")
    expect(page.locator("#error")).to_contain_text(SENTENCE)
    # A long value in many frames.
    page.get_by_role("button", name="long").click()
    expect(page.locator("#status")).to_have_text("done")
    expect(page.locator("#length")).to_have_text("800000")
    # One that becomes too long keeps what it had.
    page.get_by_role("button", name="write").click()
    expect(page.locator("#status")).to_have_text("error")
    expect(page.locator("#length")).to_have_text("900000")
