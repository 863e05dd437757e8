"""Streams that end before their end: none of them may look like done."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamui.errors import ModelError
from streamui.models.model_events import model_events
from streamui.models.task_source import TaskSource
from streamui.server.run import Run
from streamui.streamable.value import StreamableValue

RESPONSES = (
    'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n'
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    '"item_id":"m","output_index":0,"content_index":0,"delta":"tea"}\n\n'
)
COMPLETED = (
    'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r",'
    '"status":"completed","output":[]}}\n\n'
)
CHAT = (
    'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
    '{"role":"assistant","content":"tea"},"finish_reason":null}]}\n\n'
)
STOP = (
    'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},'
    '"finish_reason":"stop"}]}\n\n'
)
DONE = "data: [DONE]\n\n"


async def read(client: Any, api: str) -> list[Any]:
    if api == "chat":
        stream = await client.chat.completions.create(model="m", messages=[], stream=True)
    else:
        stream = await client.responses.create(model="m", input="q", stream=True)
    heard: list[Any] = []
    try:
        async for event in model_events(stream):
            heard.append(event)
    except ModelError as error:
        assert heard[-1].type == "error", heard
        assert heard[-1].code == error.code
        starts = [event.type for event in heard].count("text-start")
        assert starts == [event.type for event in heard].count("text-end")
        assert not any(event.type == "finish" for event in heard)
        raise
    assert heard[-1].type == "finish"
    return heard


CASES: list[tuple[str, str, bytes | str, str, str]] = [
    # what the provider does, which API, its bytes, how the connection ends, the code
    ("sends nothing", "responses", "", "end", "truncated"),
    ("sends nothing", "chat", "", "end", "truncated"),
    ("sends nothing and cuts", "chat", "", "cut", "connection"),
    ("ends in the middle", "responses", RESPONSES, "end", "truncated"),
    ("ends in the middle", "chat", CHAT, "end", "truncated"),
    ("says done without a finish reason", "chat", CHAT + DONE, "end", "truncated"),
    ("says only done", "chat", DONE, "end", "truncated"),
    ("says only done", "responses", DONE, "end", "truncated"),
    ("says done without being completed", "responses", RESPONSES + DONE, "end", "truncated"),
    ("cuts the connection", "responses", RESPONSES, "cut", "truncated"),
    ("cuts the connection", "chat", CHAT, "cut", "truncated"),
    ("ends within the JSON", "responses", RESPONSES + 'data: {"type":"resp', "end", "truncated"),
    ("ends within the JSON", "chat", CHAT + 'data: {"id":', "end", "truncated"),
    ("breaks the JSON", "chat", CHAT + 'data: {"id":\n\n', "end", "malformed"),
    ("breaks the JSON", "responses", RESPONSES + "data: {]\n\n", "end", "malformed"),
    ("breaks the UTF-8", "chat", CHAT.encode() + b'data: "\xff\xfe"\n\n', "end", "malformed"),
    ("sends only an id", "responses", RESPONSES + "id: 7\n\n", "end", "malformed"),
    ("sends only a retry", "chat", CHAT + "retry: 5\n\n", "end", "malformed"),
    ("sends only an event", "chat", CHAT + "event: ping\n\n", "end", "malformed"),
    (
        "names an error but no `error`",
        "chat",
        CHAT + 'event: error\ndata: {"message":"boom","code":"server_error"}\n\n',
        "end",
        "server_error",
    ),
    (
        "names an error but no `error`",
        "responses",
        RESPONSES + 'event: error\ndata: {"message":"boom","code":"server_error"}\n\n',
        "end",
        "server_error",
    ),
    (
        "names an error in `error`",
        "responses",
        RESPONSES
        + 'event: error\ndata: {"type":"error","error":{"code":"rate_limit_exceeded"}}\n\n',
        "end",
        "rate_limited",
    ),
    (
        "sends the other API's last event only",
        "chat",
        COMPLETED,
        "end",
        "malformed",
    ),
]


@pytest.mark.parametrize(
    ("what", "api", "body", "end", "code"), CASES, ids=[f"{c[1]} {c[0]}" for c in CASES]
)
async def test_a_provider_that(
    provider: Any, what: str, api: str, body: bytes | str, end: str, code: str
) -> None:
    client, _ = await provider(body, end=end)
    with pytest.raises(ModelError) as caught:
        await read(client, api)
    assert caught.value.code == code
    assert caught.value.sentence


def cases(code: str) -> pytest.MarkDecorator:
    chosen = [(case[1], *case[2:4]) for case in CASES if case[4] == code]
    names = [f"{case[1]} {case[0]}" for case in CASES if case[4] == code]
    return pytest.mark.parametrize(("api", "body", "end"), chosen, ids=names)


async def on_a_page(client: Any, api: str) -> dict[str, Any]:
    """What a page is told of it: the handle of the value that a stopped function leaves."""
    answers: list[StreamableValue[str]] = []

    async def function() -> None:
        answer = StreamableValue("")
        answers.append(answer)
        for event in await read(client, api):
            if event.type == "text-delta":
                answer.append(event.delta)

    async def emit(_: Any) -> None:
        pass

    await Run("State.ask", "page").drive(function, emit)
    return answers[0].handle()


@cases("truncated")
async def test_fault_35_a_silent_early_end_is_truncated_on_the_page(
    provider: Any, api: str, body: bytes | str, end: str
) -> None:
    client, _ = await provider(body, end=end)
    handle = await on_a_page(client, api)
    assert handle["status"] == "error"
    assert handle["error"]["code"] == "truncated"
    assert handle["error"]["message"] == ModelError.sentences["truncated"]


@cases("malformed")
async def test_fault_36_malformed_events_are_typed_and_leave_no_traceback_on_the_page(
    provider: Any, api: str, body: bytes | str, end: str
) -> None:
    client, _ = await provider(body, end=end)
    handle = await on_a_page(client, api)
    assert handle["error"]["code"] == "malformed"
    shown = json.dumps(handle)
    for word in ("Traceback", "Error:", "codec", "Expecting", ".py", "\\n"):
        assert word not in shown


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_fault_36_a_page_of_html_is_malformed(provider: Any, api: str) -> None:
    headers = {"content-type": "text/html; charset=utf-8"}
    client, _ = await provider("<html><body>Sign in to the wifi</body></html>", headers=headers)
    with pytest.raises(ModelError, match="text/html") as caught:
        await read(client, api)
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_fault_35_a_page_of_html_that_calls_itself_events_is_truncated(
    provider: Any, api: str
) -> None:
    client, _ = await provider("<html>\n<body>Sign in to the wifi</body>\n\n</html>")
    with pytest.raises(ModelError) as caught:
        await read(client, api)
    assert caught.value.code == "truncated"


@pytest.mark.parametrize(
    ("api", "whole"), [("chat", CHAT + STOP), ("responses", RESPONSES + COMPLETED)]
)
@pytest.mark.parametrize("split", [0, 1, 2, 3])
async def test_a_byte_order_mark_swallows_nothing(
    provider: Any, api: str, whole: str, split: int
) -> None:
    body = b"\xef\xbb\xbf" + whole.encode()
    client, _ = await provider(*(piece for piece in (body[:split], body[split:]) if piece))
    heard = await read(client, api)
    assert [event.delta for event in heard if event.type == "text-delta"] == ["tea"]


async def test_fault_34_a_stall_after_the_clients_own_deadline_is_a_timeout(provider: Any) -> None:
    client, _ = await provider(CHAT, end="hold")
    with pytest.raises(ModelError) as caught:
        await read(client.with_options(timeout=0.1), "chat")
    assert caught.value.code == "timeout"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cut=st.integers(0, len((RESPONSES + COMPLETED).encode()) - 3), data=st.data())
async def test_fault_35_a_prefix_of_a_response_is_never_done(cut: int, data: st.DataObject) -> None:
    """Every prefix that lacks the end of the last event, in any pieces, is an error."""
    import httpx2
    from openai import AsyncOpenAI

    body = (RESPONSES + COMPLETED).encode()[:cut]
    split = data.draw(st.integers(0, cut))

    async def pieces() -> AsyncIterator[bytes]:
        for piece in (body[:split], body[split:]):
            if piece:
                yield piece

    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(
            200, headers={"content-type": "text/event-stream"}, content=pieces()
        )
    )
    async with AsyncOpenAI(
        api_key="k", max_retries=0, http_client=httpx2.AsyncClient(transport=transport)
    ) as client:
        with pytest.raises(ModelError):
            await read(client, "responses")


async def test_the_seam_to_the_sdks_response_holds(provider: Any) -> None:
    """A byte order mark is found through an attribute of the SDK: an upgrade may move it."""
    from streamui.models.body import response_of

    client, _ = await provider(CHAT + STOP)
    for stream in (
        await client.chat.completions.create(model="m", messages=[], stream=True),
        await client.chat.completions.stream(model="m", messages=[]).__aenter__(),
    ):
        assert response_of(stream) is not None
        source = TaskSource(stream)
        await source.read()
        assert not source.plain
        await source.aclose()
