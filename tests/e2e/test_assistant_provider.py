"""The assistant beside a provider of its own: Stop, seen from the provider's side."""

import time

import pytest
from playwright.sync_api import expect

from streamui.models.demo.host import server
from streamui.testing import AppServer
from tests.e2e.assistant_page import AssistantPage, answer


@pytest.fixture
def provider():
    return server()


@pytest.mark.slow
def test_stop_closes_the_connection_to_the_provider(page, app_server, app_copy, provider):
    env = {"OPENAI_BASE_URL": provider.base_url, "OPENAI_MODEL": "a-model-of-ours"}
    with AppServer(app_copy, env=env, timeout=240) as own:
        assistant = AssistantPage(page, own.url).open()
        expect(page.get_by_text("Answers come from a-model-of-ours.")).to_be_visible()
        message = assistant.ask("Write 300 words about rivers at 30 words per second")
        assistant.wait_for_text(message)
        assert provider.stats().open == 1
        assistant.stop.click()
        deadline = time.monotonic() + 1
        while provider.stats().open and time.monotonic() < deadline:
            page.wait_for_timeout(10)
        assert provider.stats().disconnected_by_client == 1
        expect(answer(message)).not_to_have_text("")
        page.goto("about:blank")  # before its server goes
