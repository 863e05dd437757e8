"""What the tests of streams over HTTP share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import streamui as ui
from streamui.http import reader
from streamui.http.site import site


@pytest.fixture(autouse=True)
def without_reflex(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams are served where the test serves them, whatever ran before."""
    monkeypatch.setattr(site, "_address", lambda: "")
    monkeypatch.setattr(site, "_origins", tuple)


@pytest.fixture
async def no_task_is_left() -> AsyncIterator[None]:
    """Fail a test whose tasks do not end with it."""
    yield
    async with asyncio.timeout(5):
        while asyncio.all_tasks() != {asyncio.current_task()}:
            await asyncio.sleep(0.001)


@pytest.fixture
def quick_reconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers wait next to nothing before they connect again."""
    monkeypatch.setattr(ui.settings, "reconnect_delay", 0.0005)


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a reader asks its waiting for; it never waits."""
    asked: list[dict[str, Any]] = []

    def no_delay(failures: int, **given: Any) -> float:
        asked.append({"failures": failures, **given})
        return 0.0

    monkeypatch.setattr(reader, "delay", no_delay)
    return asked
