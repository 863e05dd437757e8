"""What pages are sent is counted, frame by frame and byte by byte."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reflex_base.utils.format import json_dumps

import streamui as ui
from streamui.page import link, registration
from streamui.page.frames import Pages
from streamui.page.wire import frame_bytes
from streamui.store.store import store
from streamui.streamable.value import StreamableValue
from tests.page.sockets import Socket

text = st.text(st.characters(exclude_categories=["Cs"]))
ops = text | st.dictionaries(st.sampled_from("avpose"), text | st.integers() | st.lists(text))


@given(st.dictionaries(st.integers(1, 1000).map(str), ops, min_size=1))
def test_a_frames_bytes_are_those_of_its_json(frame):
    written = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
    assert frame_bytes(frame) == len(written.encode())


@pytest.fixture
def socket():
    socket = Socket()
    link.use_socket(socket)
    yield socket
    link.use_socket(None)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_each_frame_that_goes_to_a_page_is_counted(socket, monkeypatch):
    pages = Pages()
    monkeypatch.setattr(registration, "pages", pages)
    socket.connect()
    before = ui.stats().pages
    value = StreamableValue("")
    store.add(value.id, value.log)
    page = pages.of("token")
    assert page is not None
    page.follow(value.id, value.log)
    for piece in ("one ", "zwei ä ", "'three' "):
        value.append(piece)
        await until(lambda piece=piece: piece in "".join(map(str, socket.ops)))
    value.done()
    await until(lambda: pages._task is None)
    after = ui.stats().pages
    assert after.frames - before.frames == len(socket.frames)
    sent = [json_dumps(frame, separators=(",", ":")).encode() for _, frame in socket.frames]
    assert after.bytes - before.bytes == sum(map(len, sent))


def test_only_pages_that_are_connected_to_this_process_count(socket):
    assert ui.stats().pages.connected == 0
    socket.connect("one")
    socket.connect("two")
    socket.connect("three", instance="another worker")
    assert ui.stats().pages.connected == 2
    socket.disconnect("one")
    assert ui.stats().pages.connected == 1
