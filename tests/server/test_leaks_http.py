"""What many readers over HTTP leave behind when they are gone: nothing."""

import asyncio
import gc
import os

import pytest

import streamui as ui
from streamui.http.parser import EventStreamParser
from streamui.http.stream_response import open_responses
from streamui.server.limits import connections
from streamui.settings import settings
from streamui.store.store import store
from tests.http.serving import rebuilt, serving, until

pytestmark = pytest.mark.slow


class Reader:
    """A client of one stream that can be cut off and come back."""

    def __init__(self, url, value, page):
        self.url, self.value, self.page = url, value, page
        self.records, self.last_id = [], ""

    async def connect(self):
        self.parser = EventStreamParser()
        self.reader, self.writer = await asyncio.open_connection(self.url.host, self.url.port)
        lines = [
            f"GET /streams/{self.value.id} HTTP/1.0",
            f"reflex-client-token: {self.page}",
            *([f"last-event-id: {self.last_id}"] if self.last_id else []),
        ]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.split()[1] == b"200", head

    async def read(self, until_end=False):
        """Take what comes: one event at least, or all there are."""
        while data := await self.reader.read(65_536):
            for event in self.parser.feed(data):
                self.records.append(event.json())
                self.last_id = event.id or self.last_id
            if self.last_id and not until_end:
                return

    def cut(self):
        self.writer.transport.abort()


def given(page):
    value = ui.StreamableValue("")
    store.add(value.id, value.log)
    store.grant(value.id, page)
    return value


def held():
    gc.collect()
    return {
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "responses": len(open_responses),
        "connections": len(connections),
        "clients": len(connections._owners),
    }


async def test_fault_24_a_thousand_readers_that_vanish_leave_nothing(monkeypatch):
    monkeypatch.setattr(settings, "connections_per_client", 0)
    values = [given("page") for _ in range(10)]
    async with serving(ui.routes()) as client:
        before = held()
        for _ in range(5):
            readers = [Reader(client.base_url, value, "page") for value in values * 20]
            await asyncio.gather(*(reader.connect() for reader in readers))
            for value in values:
                value.append("something ")
            await asyncio.gather(*(reader.read() for reader in readers))
            assert len(connections) == 200
            for reader in readers:
                reader.cut()
            await until(lambda: len(connections) == 0)
        await until(lambda: held() == before)
        assert not any(len(value.log._listeners) > 1 for value in values)  # that of the store
    for value in values:
        value.done()


async def test_fault_26_a_thousand_reconnects_over_http_all_resume():
    asked = []
    values = {f"page {number}": given(f"page {number}") for number in range(100)}
    go_on = asyncio.Event()

    async def produce(page, value):
        asked.append(page)
        for turn in range(1000):
            if go_on.is_set():
                break
            value.append(f"{page} says {turn}. ")
            await asyncio.sleep(0.02)
        value.append("The end.").done()

    producers = [asyncio.create_task(produce(page, value)) for page, value in values.items()]
    async with serving(ui.routes()) as client:
        readers = [Reader(client.base_url, value, page) for page, value in values.items()]
        for _ in range(10):
            await asyncio.gather(*(reader.connect() for reader in readers))
            await asyncio.gather(*(reader.read() for reader in readers))
            for reader in readers:
                reader.cut()
        await asyncio.gather(*(reader.connect() for reader in readers))
        go_on.set()
        await asyncio.gather(*(reader.read(until_end=True) for reader in readers))
        for reader in readers:
            reader.cut()
    await asyncio.gather(*producers)
    assert sorted(asked) == sorted(values)
    for reader in readers:
        assert rebuilt(reader.records) == reader.value.value
        assert reader.records[-1]["status"] == "done"
        assert sum("value" in record or "reset" in record for record in reader.records) == 1
