"""However many watch: what they watch is made once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import streamui as ui
from streamui.models.client import aclose_default_clients
from streamui.models.demo.host import server
from streamui.server.run import Run
from streamui.settings import settings
from tests.page.tab import Call, Tab, node_page

QUESTION = "Write 60 words about rivers at 300 words per second"


@pytest.fixture(scope="module")
def call(node: str) -> Iterator[Call]:
    with node_page(node) as call:
        yield call


@pytest.fixture
async def tab(call: Call, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tab]:
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    tab = Tab(call, monkeypatch)
    await tab.connect()
    yield tab
    await tab.close()
    await aclose_default_clients()


def text_of(ops: list[Any]) -> str:
    return "".join(op if isinstance(op, str) else op.get("v", op.get("a", "")) for op in ops)


async def read(handle: dict[str, str]) -> str:
    values = [value async for value in ui.read_streamable(handle)]
    return values[-1]


async def test_fault_05_two_tabs_and_other_readers_are_one_call_of_the_provider(tab):
    before = server().stats().requests
    readers: list[asyncio.Task[str]] = []
    answer: ui.StreamableValue[str] = ui.StreamableValue("")

    async def ask():
        await tab.show(answer)
        readers.append(asyncio.create_task(read(answer.handle())))
        stream = await ui.default_client().responses.create(
            model=ui.default_model(), input=QUESTION, stream=True
        )
        async for event in ui.model_events(stream):
            if event.type == "text-delta":
                answer.append(event.delta)
                if len(answer.value) > 100 and len(readers) == 1:
                    with tab.another("second"):  # a tab that comes in the middle
                        tab.written([ui.StreamableValue.from_handle(answer.handle())])
                    readers.append(asyncio.create_task(read(answer.handle())))
                    await tab.reload()
            yield
        answer.done()

    async def emit(_: Any) -> None:
        pass

    await Run("State.ask", "tab").drive(ask, emit)
    await tab.receive()
    assert len(answer.value.split()) == 60
    assert tab.shown(answer) == (answer.value, "done")
    assert text_of(tab.sent("second")) == answer.value
    assert await asyncio.gather(*readers) == [answer.value] * 2
    assert server().stats().requests == before + 1
