from __future__ import annotations

import asyncio
import threading
from typing import Any, get_args

import pytest
from openai.types import ChatModel

from streamui.models.client import (
    DEFAULT_MODEL,
    DEMO_MODEL,
    aclose_default_clients,
    default_client,
    default_model,
)
from streamui.models.demo import host
from streamui.models.model_events import model_events

pytestmark = pytest.mark.usefixtures("no_key")


async def test_without_a_key_the_demo_model_answers() -> None:
    stream = await default_client().responses.create(
        model=default_model(), input="Write 7 words about tea flat out", stream=True
    )
    text = [event.delta async for event in model_events(stream) if event.type == "text-delta"]
    assert len("".join(text).split()) == 7
    assert default_model() == DEMO_MODEL


async def test_a_proxy_is_not_asked_for_the_demo_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    listed = await default_client().with_options(max_retries=0).models.list()
    assert listed.data[0].id == DEMO_MODEL


async def test_a_key_means_the_real_thing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert str(default_client().base_url) == "https://api.openai.com/v1/"
    assert default_model() == DEFAULT_MODEL


async def test_an_address_alone_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert str(default_client().base_url) == "http://127.0.0.1:9/v1/"
    assert default_model() == DEFAULT_MODEL


async def test_the_model_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMUI_MODEL", "mine")
    assert default_model() == DEMO_MODEL
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_MODEL", "theirs")
    assert default_model() == "mine"
    monkeypatch.delenv("STREAMUI_MODEL")
    assert default_model() == "theirs"


def test_the_default_model_is_one_that_openai_has() -> None:
    assert DEFAULT_MODEL in get_args(ChatModel)


async def test_a_client_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = default_client()
    assert default_client() is first
    monkeypatch.setenv("OPENAI_API_KEY", "other")
    assert default_client() is not first


def test_each_event_loop_has_its_own() -> None:
    async def make() -> Any:
        made = default_client()
        await aclose_default_clients()
        return made

    assert asyncio.run(make()) is not asyncio.run(make())


async def test_closed_clients_are_not_given_out_again() -> None:
    first = default_client()
    await aclose_default_clients()
    assert first.is_closed()
    assert default_client() is not first


async def test_the_embedded_server_is_one_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    first = host.server()
    assert host.server() is first
    host.stop()
    host.stop()
    assert not first.alive()
    assert set(threading.enumerate()) <= before
    assert host.server() is not first
