"""Any text, cut anywhere: the page, the store and Python's own reader have the same string."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import pytest

from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.reader import read_streamable
from streamui.streamable.value import StreamableValue
from tests.page.tab import Call, Tab, node_page

ASTRONAUT = "\U0001f469🏽\u200d\U0001f680"
FAMILY = "👨\u200d👩\u200d👧\u200d👦"
FLAG = "\U0001f1e9\U0001f1ea"


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


def units(text: str) -> list[str]:
    """The text in UTF-16 units, as a provider in JavaScript may cut it."""
    coded = text.encode("utf-16-le", "surrogatepass")
    return [chr(int.from_bytes(coded[at : at + 2], "little")) for at in range(0, len(coded), 2)]


async def stream(tab: Tab, pieces: list[str]) -> str:
    """Stream the pieces, each in a frame of its own; gives what everybody has of them."""
    value = StreamableValue("")
    await tab.show(value)
    for piece in pieces:
        value.append(piece)
        await tab.receive()
        drawn, _ = tab.shown(value)
        assert not re.search("[\ud800-\udfff]", drawn), "half of a character was drawn"
    value.done()
    await tab.receive()
    read = [text async for text in read_streamable({"$stream": value.id})]
    log = store.find(value.id)
    assert log is not None
    assert tab.shown(value) == (read[-1], "done")
    assert log.value == value.value == read[-1]
    tab.values.clear()
    return read[-1]


async def test_fault_44_nul_is_kept_on_the_page_and_in_the_store(tab):
    text = "a\0b\0\0"
    assert await stream(tab, [text]) == text
    assert await stream(tab, list(text)) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\ud83db", "a\ufffdb"),
        ("a\ude00b", "a\ufffdb"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
        ("end\ud83d", "end\ufffd"),
    ],
)
async def test_fault_45_a_lone_surrogate_is_replaced_on_the_page_as_everywhere(tab, text, clean):
    assert await stream(tab, [text]) == clean
    assert await stream(tab, units(text)) == clean
    value = StreamableValue({"key \ud83d": [text]})
    await tab.show(value)
    await tab.receive()
    assert tab.shown(value)[0] == {"key \ufffd": [clean]} == value.value


@pytest.mark.parametrize("text", [ASTRONAUT, FAMILY, FLAG, f"{FAMILY}e\u0301{ASTRONAUT}\ufe0f"])
async def test_fault_46_emoji_cut_anywhere_are_whole_on_the_page(tab, text):
    parts = units(text)
    assert await stream(tab, parts) == text
    for cut in range(len(parts) + 1):
        assert await stream(tab, ["".join(parts[:cut]), "".join(parts[cut:])]) == text


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\ufeff", "\r", "\x0b", "\x1c"])
async def test_fault_47_separators_stay_what_they_are_on_the_page(tab, character):
    text = f"{character}a{character}{character}b{character}"
    assert await stream(tab, list(text)) == text
