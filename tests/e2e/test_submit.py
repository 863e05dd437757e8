"""Who sends twice is answered once."""

import pytest
from playwright.sync_api import expect

from streamui.models.demo.host import server

SOURCE = """
import reflex as rx
import streamui as ui


class Desk(rx.State):
    answers: list[ui.StreamableValue[str]] = []

    @ui.server_function
    async def ask(self, question: str):
        await self.reply(question)

    @ui.server_function(supersedes=True)
    async def ask_latest(self, form: dict):
        await self.reply(form["question"])

    async def reply(self, question):
        answer = ui.StreamableValue("")
        async with self:
            self.answers.append(answer)
        stream = await ui.default_client().responses.create(
            model=ui.default_model(), input=question, stream=True
        )
        async for event in ui.model_events(stream):
            if event.type == "text-delta":
                answer.append(event.delta)


def index():
    return rx.vstack(
        ui.composer(on_send=Desk.ask, label="Composer"),
        rx.form(rx.input(name="question"), rx.button("go"), on_submit=Desk.ask_latest),
        rx.foreach(Desk.answers, lambda answer: ui.text(answer, class_name="answer")),
    )


app = rx.App()
app.add_page(index)
"""
QUESTION = "Write 30 words about rivers at 30 words per second"


@pytest.fixture(scope="module")
def desk(run_app):
    return run_app(SOURCE, OPENAI_BASE_URL=server().base_url, OPENAI_API_KEY="none").url


@pytest.fixture
def ready(page, desk):
    page.goto(desk)
    page.wait_for_function("sessionStorage.getItem('token')")
    expect(page.get_by_label("Composer")).to_be_enabled()
    return page


def send_twice(page, how):
    box = page.get_by_label("Composer")
    box.fill(QUESTION)
    if how == "click":
        page.get_by_role("button", name="Send").dblclick()
    else:  # in one go, before the page has drawn anything
        box.evaluate(
            """box => [1, 2].forEach(() => box.dispatchEvent(
                new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true })))"""
        )


@pytest.mark.parametrize("how", ["click", "enter"])
def test_fault_11_a_composer_that_sends_twice_sends_once(ready, how):
    before = server().stats().requests
    send_twice(ready, how)
    answer = ready.locator(".answer")
    expect(answer).to_have_attribute("data-status", "done", timeout=20_000)
    assert len(answer.text_content().split()) == 30
    send_twice(ready, how)  # whatever had been under way twice would be here by now
    expect(answer).to_have_count(2)
    expect(answer.last).to_have_attribute("data-status", "done", timeout=20_000)
    assert server().stats().requests == before + 2


def test_fault_11_of_two_submits_of_a_form_the_last_one_runs(ready):
    finished = server().stats().finished
    ready.locator("input[name=question]").fill(QUESTION)
    ready.get_by_role("button", name="go").dblclick()
    done = ready.locator(".answer[data-status=done]")
    expect(done).to_have_count(1, timeout=20_000)
    assert len(done.text_content().split()) == 30
    # The first was stopped, if it had got as far as to show anything.
    others = ready.locator(".answer:not([data-status=done])").all()
    assert [other.get_attribute("data-status") for other in others] in ([], ["cancelled"])
    assert server().stats().finished == finished + 1
