"""The assistant beside a provider of its own: Stop, seen from the provider's side."""

import time

import pytest
from playwright.sync_api import expect

from streamui.models.demo.host import server
from streamui.testing import AppServer
from tests.e2e.assistant_page import AssistantPage, answer

NOTE_CLICKS = "addEventListener('click', () => { window.clicked = Date.now() / 1000 }, true)"


@pytest.fixture
def provider():
    return server()


@pytest.mark.slow
def test_stop_closes_the_connection_to_the_provider_within_300_ms(
    page, app_server, app_copy, provider
):
    env = {"OPENAI_BASE_URL": provider.base_url, "OPENAI_MODEL": "a-model-of-ours"}
    with AppServer(app_copy, env=env, timeout=240) as own:
        assistant = AssistantPage(page, own.url).open()
        expect(page.get_by_text("Answers come from a-model-of-ours.")).to_be_visible()
        page.evaluate(NOTE_CLICKS)
        # A busy machine may be late, but hardly three times.
        took = [seconds_until_disconnected(assistant, provider) for _ in range(3)]
        page.goto("about:blank")  # before its server goes
    assert min(took) <= 0.3, took


def seconds_until_disconnected(assistant, provider):
    """Press Stop in the middle of an answer; return what passes until the provider is alone."""
    before = provider.stats().disconnected_by_client
    message = assistant.ask("Write 300 words about rivers at 30 words per second")
    assistant.wait_for_text(message)
    assert provider.stats().open == 1
    assistant.stop.click()
    deadline = time.monotonic() + 5
    while provider.stats().open:
        assert time.monotonic() < deadline, "the connection stays open"
        time.sleep(0.001)
    seen = time.time()  # the clock that the page has, too
    assert provider.stats().disconnected_by_client == before + 1
    assistant.wait_for_end(message, "cancelled")
    expect(answer(message)).not_to_have_text("")
    return seen - assistant.page.evaluate("clicked")
