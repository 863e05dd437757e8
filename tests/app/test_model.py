"""Asking the model to go on, whether or not it remembers."""

from typing import Any

import httpx
import openai
import pytest

import streamui as ui
from app.pages.assistant.model import respond
from streamui.models.client import aclose_default_clients


@pytest.fixture(autouse=True)
async def close_clients():
    yield
    await aclose_default_clients()


SAID = [("My name is Ada.", "Nice to meet you, **Ada**!")]


async def ask(question, previous=None, said=()):
    """Return the answer and the id of its response."""
    text, response = "", ""
    async for event in ui.model_events(await respond(question, previous, list(said))):
        if event.type == "text-delta":
            text += event.delta
        elif event.type == "finish":
            response = event.response_id
    return text, response


async def test_a_question_goes_on_from_the_response_before_it():
    _, first = await ask("My name is Ada.")
    assert "Ada" in (await ask("What is my name?", first))[0]


async def test_a_model_that_forgot_the_response_is_told_again_what_was_said():
    _, first = await ask("My name is Ada.")
    await ui.default_client().responses.delete(first)
    text, second = await ask("What is my name?", first, SAID)
    assert "Ada" in text
    assert "Ada" in (await ask("What is my name?", second))[0]


async def test_what_is_missing_for_another_reason_is_an_error(monkeypatch):
    class Missing:
        async def create(self, **_):
            reply: Any = httpx.Response(404, request=httpx.Request("POST", "http://model"))
            raise openai.NotFoundError("no such model", response=reply, body=None)

    class Client:
        responses = Missing()

    monkeypatch.setattr(ui, "default_client", Client)
    with pytest.raises(openai.NotFoundError):
        await ask("hello")
