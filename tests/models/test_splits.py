"""However the bytes of a stream are split, its model events are the same."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI, OpenAI

from streamui.errors import StreamUIError
from streamui.models.model_events import model_events
from tests.models.recorded import ASSISTANTS, RESPONSES, sse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The Assistants API:DeprecationWarning"),
]

EMOJI = "Tea 🍵, a family 👩‍👩‍👧‍👦, é, \u2028 and \x85 and \r\n"
DONE = "data: [DONE]\n\n"


def chat(*deltas: dict[str, Any], reason: str = "stop") -> str:
    said = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    said.append({"index": 0, "delta": {}, "finish_reason": reason})
    chunks = [{"id": "c", "object": "chat.completion.chunk", "choices": [each]} for each in said]
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    chunks.append({"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage})
    lines = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks]
    return "".join(lines) + DONE


def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": arguments}
    return {"tool_calls": [{"index": index, "function": function | more, "id": f"call_{index}"}]}


def one(name: str, **changes: Any) -> dict[str, Any]:
    return {**RESPONSES[name], **changes}


PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
ITEM = "response.output_item"
ARGUMENTS = "response.function_call_arguments"
ALL = [event for name, event in RESPONSES.items() if name.count(".") > 1]
THREAD = [event for name, event in ASSISTANTS.items() if name.count(".") > 1]
THREAD = [event for event in THREAD if event["event"].endswith(("created", "progress", "delta"))]

STREAMS: dict[str, tuple[str, str]] = {
    "responses text": (
        "responses",
        sse(
            RESPONSES["response.created"],
            *(one("response.output_text.delta", **PLACE, delta=piece) for piece in EMOJI),
            one("response.output_text.done", **PLACE, text=EMOJI),
            RESPONSES["response.completed"],
        ),
    ),
    "responses tools": (
        "responses",
        sse(
            RESPONSES[f"{ITEM}.added"],
            *(one(f"{ARGUMENTS}.delta", delta=piece) for piece in ('{"city":', '"Bonn"', "}")),
            RESPONSES[f"{ARGUMENTS}.done"],
            RESPONSES[f"{ITEM}.done"],
            RESPONSES["response.completed"],
        ),
    ),
    "responses everything": ("responses", sse(*ALL, RESPONSES["response.incomplete"])),
    "responses failing": (
        "responses",
        sse(RESPONSES["response.output_text.delta"], RESPONSES["error"]),
    ),
    "responses broken off": ("responses", sse(RESPONSES["response.output_text.delta"])),
    "chat text": ("chat", chat(*({"content": piece} for piece in EMOJI))),
    "chat tools": (
        "chat",
        chat(
            {"reasoning_content": "hm 🍵"},
            call(0, '{"a', name="one"),
            call(0, '": 1}'),
            call(1, "{}", name="two"),
            reason="tool_calls",
        ),
    ),
    "chat malformed": ("chat", chat({"content": "tea"}).replace('"delta": {}', '"delta": {')),
    "assistants text": ("assistants", sse(*THREAD, ASSISTANTS["thread.run.completed"]) + DONE),
    "assistants tools": (
        "assistants",
        sse(*THREAD, ASSISTANTS["thread.run.requires_action"]) + DONE,
    ),
    "assistants failing": ("assistants", sse(*THREAD, ASSISTANTS["error"])),
}


@dataclass
class Wire:
    """What the next response's body is, in pieces, for clients that are made once."""

    pieces: Sequence[bytes] = ()

    def answer(self, request: httpx2.Request, content: Any) -> httpx2.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=content, request=request)

    def blocking(self, request: httpx2.Request) -> httpx2.Response:
        return self.answer(request, iter(self.pieces))

    async def pieced(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    async def asynchronous(self, request: httpx2.Request) -> httpx2.Response:
        return self.answer(request, self.pieced())


@pytest.fixture
async def wired() -> AsyncIterator[tuple[Any, Any, Wire]]:
    """An async and a blocking client of the same wire."""
    wire = Wire()
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(wire.asynchronous), verify=False)
    blocking = httpx2.Client(transport=httpx2.MockTransport(wire.blocking), verify=False)
    async with AsyncOpenAI(api_key="k", max_retries=0, http_client=http) as client:
        with OpenAI(api_key="k", max_retries=0, http_client=blocking) as other:
            yield client, other, wire


def stream(client: Any, api: str) -> Any:
    if api == "chat":
        return client.chat.completions.create(model="m", messages=[], stream=True)
    if api == "assistants":
        return client.beta.threads.create_and_run(assistant_id="a", stream=True)
    return client.responses.create(model="m", input="q", stream=True)


async def heard(client: Any, api: str) -> list[object]:
    """Every event, and the code it failed with."""
    events: list[object] = []
    if isinstance(client, OpenAI):
        opened = await asyncio.to_thread(stream, client, api)
    else:
        opened = stream(client, api)
    try:
        async for event in model_events(opened):
            events.append(event)
    except StreamUIError as error:
        events.append(error.code)
    return events


def cut(body: bytes, places: set[int]) -> list[bytes]:
    bounds = [0, *sorted(places), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(bounds)]


def bodies(name: str) -> tuple[str, bytes]:
    api, text = STREAMS[name]
    return api, text.encode()


@pytest.mark.parametrize("name", STREAMS)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), end=st.sampled_from([b"\n", b"\r\n", b"\r"]), mark=st.booleans())
async def test_the_events_are_the_same_however_the_bytes_are_split(
    wired: Any, name: str, data: st.DataObject, end: bytes, mark: bool
) -> None:
    """In the SDK's own decoder, with any line ends and with a byte order mark."""
    client, _, wire = wired
    api, plain = bodies(name)
    wire.pieces = [plain]
    expected = await heard(client, api)
    body = (b"\xef\xbb\xbf" if mark else b"") + plain.replace(b"\n", end)
    wire.pieces = cut(body, data.draw(st.sets(st.integers(1, len(body) - 1), max_size=12)))
    assert await heard(client, api) == expected


@pytest.mark.parametrize("name", STREAMS)
async def test_nor_does_the_client_matter_or_the_size_of_the_pieces(wired: Any, name: str) -> None:
    client, blocking, wire = wired
    api, body = bodies(name)
    wire.pieces = [body]
    expected = await heard(client, api)
    kind = "malformed" if "malformed" in name else "truncated" if "broken" in name else None
    kind = ("rate_limited" if api == "responses" else "server_error") if "fail" in name else kind
    last = expected[-1]
    assert last == kind if kind else last.type == "finish"  # pyright: ignore[reportAttributeAccessIssue]
    assert await heard(blocking, api) == expected
    if name != "responses everything":
        wire.pieces = [bytes([byte]) for byte in body]
        assert await heard(client, api) == expected
    wire.pieces = cut(body, set(range(7, len(body), 7)))
    assert await heard(blocking, api) == expected


@pytest.mark.parametrize("name", ["responses text", "chat text", "assistants tools"])
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_so_it_is_over_a_real_connection(
    provider: Any, name: str, data: st.DataObject
) -> None:
    """Each piece is a chunk of HTTP and a packet of its own."""
    api, body = bodies(name)
    whole, _ = await provider(body)
    places = data.draw(st.sets(st.integers(1, len(body) - 1), min_size=1, max_size=20))
    split, _ = await provider(*cut(body, places))
    try:
        expected = await heard(whole, api)
        assert await heard(split, api) == expected
        assert expected[-1].type == "finish"  # pyright: ignore[reportAttributeAccessIssue]
    finally:
        await whole.close()
        await split.close()


def test_the_streams_are_what_they_say() -> None:
    """Else the properties above would hold of nothing."""
    assert {api for api, _ in STREAMS.values()} == {"responses", "chat", "assistants"}
    assert len(ALL) > 50 and len(THREAD) >= 6
    assert any(byte > 127 for byte in bodies("chat text")[1])
