"""Every way in which a provider can break, in all three APIs: one typed error, and no secret."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

import pytest

from streamui.errors import ModelError
from streamui.models.model_events import model_events
from tests.models.recorded import ASSISTANTS, RESPONSES, sse

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The Assistants API:DeprecationWarning"),
]

apis = pytest.mark.parametrize("api", ["responses", "chat", "assistants"])
SECRETS = "sk-proj-aBcD1234efgh5678 and postgresql://ada:hunter22@db.internal:5432/app"
HIDDEN = ("aBcD1234", "hunter22")


def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    made = {"id": "c", "object": "chat.completion.chunk", "choices": [choice]}
    return f"data: {json.dumps(made)}\n\n"


def said(api: str, text: str) -> str:
    """A delta of the answer's text."""
    if api == "chat":
        return chunk({"content": text})
    if api == "responses":
        return sse({**RESPONSES["response.output_text.delta"], "delta": text})
    event = json.loads(json.dumps(ASSISTANTS["thread.message.delta"]))
    event["data"]["delta"]["content"][0]["text"]["value"] = text
    return sse(ASSISTANTS["thread.message.created"], event)


def called(api: str) -> str:
    """A tool call, in the middle of its arguments."""
    if api == "chat":
        function = {"name": "weather", "arguments": '{"city": "Bo'}
        return chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": function}]})
    if api == "responses":
        stem = "response.function_call_arguments.delta"
        return sse(RESPONSES["response.output_item.added"], RESPONSES[stem])
    event = json.loads(json.dumps(ASSISTANTS["thread.run.step.delta"]))
    call = event["data"]["delta"]["step_details"]["tool_calls"][0]
    call["function"]["arguments"] = '{"city": "Bo'
    return sse(ASSISTANTS["thread.run.step.created"], event)


ENDS = {
    "responses": sse(
        {
            **RESPONSES["response.completed"],
            "response": {**RESPONSES["response.completed"]["response"], "output": []},
        }
    ),
    "chat": chunk({}, "stop"),
    "assistants": sse(ASSISTANTS["thread.run.completed"]),
}


def begun(api: str, where: str) -> str:
    if where == "arguments":
        return called(api)
    return said(api, '{"city": "Bo' if where == "object" else "tea")


@dataclass
class Break:
    """What is sent after a good beginning, how the connection ends, and what that amounts to."""

    body: bytes | str
    code: str
    end: str = "end"
    limits: dict[str, float] = field(default_factory=dict[str, float])


def error_event(**error: object) -> str:
    return f"event: error\ndata: {json.dumps(error)}\n\n"


BREAKS: dict[str, Break] = {
    "ends": Break("", "truncated"),
    "cuts the connection": Break("", "truncated", "cut"),
    "says done": Break("data: [DONE]\n\n", "truncated"),
    "only keeps alive": Break(": ping\n\n: ping\n\n", "truncated"),
    "ends within the JSON": Break('data: {"type":"resp', "truncated"),
    "breaks the JSON": Break("event: thread.x\ndata: {]\n\n", "malformed"),
    "breaks the UTF-8": Break(b'data: "\xff\xfe"\n\n', "malformed"),
    "sends a page of HTML": Break("<html>\n<body>Bad gateway</body>\n</html>\n", "truncated"),
    "sends only an id": Break("id: 7\n\n", "malformed"),
    "sends only a retry": Break("retry: 5\n\n", "malformed"),
    "sends only an event": Break("event: ping\n\n", "malformed"),
    "sends null": Break("data: null\n\n", "malformed"),
    "sends a number": Break("data: 5\n\n", "malformed"),
    "sends a list": Break("data: []\n\n", "malformed"),
    "sends a string": Break('data: "tea"\n\n', "malformed"),
    "sends an empty object": Break("data: {}\n\n", "malformed"),
    "names an error": Break(
        error_event(message=SECRETS, code="server_error", type="server_error"), "server_error"
    ),
    "names an error in `error`": Break(
        error_event(error={"message": SECRETS, "code": "rate_limit_exceeded"}), "rate_limited"
    ),
    "stalls": Break("", "timeout", "hold", {"token_timeout": 0.05}),
    "only keeps alive and stalls": Break(": ping\n\n", "timeout", "hold", {"token_timeout": 0.05}),
}
EVERYWHERE = ("ends", "cuts the connection", "breaks the JSON", "names an error", "stalls")


async def ask(client: Any, api: str) -> Any:
    if api == "chat":
        return await client.chat.completions.create(model="m", messages=[], stream=True)
    if api == "assistants":
        # Not to a run of a thread, which would be cancelled by another request.
        return await client.beta.threads.create_and_run(assistant_id="a", stream=True)
    return await client.responses.create(model="m", input="q", stream=True)


async def broken(
    client: Any, api: str, caplog: pytest.LogCaptureFixture, **limits: float
) -> tuple[list[Any], ModelError]:
    """What is heard of it, all of which is fit for a page."""
    caplog.set_level(logging.DEBUG, "streamui")
    heard: list[Any] = []
    with pytest.raises(ModelError) as caught:
        # Given how to ask, as most do; a failing status is raised by asking.
        async for event in model_events(lambda: ask(client, api), retries=0, **limits):
            heard.append(event)
    error = caught.value
    types = [event.type for event in heard]
    assert types[-1] == "error" and types.count("error") == 1
    assert "finish" not in types and "tool-call" not in types
    assert types.count("text-start") == types.count("text-end")
    told = heard[-1]
    assert (told.code, told.retryable) == (error.code, error.retryable)
    assert told.sentence == error.sentence == ModelError.sentences[error.code]
    assert error.retryable == (error.code in ModelError.retryable_codes)
    for words in HIDDEN:
        assert words not in str(error)
        assert words not in repr(heard)
        assert words not in caplog.text
    return heard, error


CASES = [(what, "text") for what in BREAKS] + [
    (what, where) for where in ("arguments", "object") for what in EVERYWHERE
]


@apis
@pytest.mark.parametrize(("what", "where"), CASES)
async def test_fault_35_36_a_provider_in_the_middle(
    provider: Any, caplog: pytest.LogCaptureFixture, api: str, what: str, where: str
) -> None:
    how = BREAKS[what]
    client, _ = await provider(begun(api, where), how.body, end=how.end)
    heard, error = await broken(client, api, caplog, **how.limits)
    assert error.code == how.code
    text = "".join(event.delta for event in heard if event.type == "text-delta")
    assert text == {"text": "tea", "object": '{"city": "Bo', "arguments": ""}[where]
    assert any(event.type == "tool-call-start" for event in heard) == (where == "arguments")


AT_ONCE: dict[str, Break] = {
    "ends": Break("", "truncated"),
    "cuts the connection": Break("", "connection", "cut"),
    "says done": Break("data: [DONE]\n\n", "truncated"),
    "breaks the JSON": Break("data: {]\n\n", "malformed"),
    "breaks the UTF-8": Break(b"data: \xff\n\n", "malformed"),
    "sends a page of HTML": Break("<html>\n\n</html>\n\n", "truncated"),
    "answers whole": Break('{"id": "r", "object": "response", "output": []}', "truncated"),
    "sends null": Break("data: null\n\n", "malformed"),
    "sends a list": Break("data: []\n\n", "malformed"),
    "sends an empty object": Break("data: {}\n\n", "malformed"),
    "names an error": BREAKS["names an error"],
    "names an error in `error`": BREAKS["names an error in `error`"],
    "says nothing": Break("", "timeout", "hold", {"first_token_timeout": 0.05}),
}


@apis
@pytest.mark.parametrize("what", AT_ONCE)
async def test_fault_35_36_a_provider_from_the_beginning(
    provider: Any, caplog: pytest.LogCaptureFixture, api: str, what: str
) -> None:
    how = AT_ONCE[what]
    client, _ = await provider(how.body, end=how.end)
    _, error = await broken(client, api, caplog, **how.limits)
    assert error.code == how.code


@apis
async def test_fault_36_a_page_of_html(
    provider: Any, caplog: pytest.LogCaptureFixture, api: str
) -> None:
    client, _ = await provider("<html></html>", headers={"content-type": "text/html"})
    _, error = await broken(client, api, caplog)
    assert error.code == "malformed"


STATUSES: dict[int, tuple[dict[str, str], str]] = {
    400: ({"code": "context_length_exceeded"}, "context_length"),
    401: ({"code": "invalid_api_key"}, "authentication"),
    403: ({}, "permission_denied"),
    404: ({"code": "model_not_found"}, "not_found"),
    408: ({}, "timeout"),
    409: ({}, "conflict"),
    429: ({"code": "rate_limit_exceeded"}, "rate_limited"),
    500: ({}, "server_error"),
    503: ({}, "overloaded"),
    529: ({"type": "overloaded_error"}, "overloaded"),
}


@apis
@pytest.mark.parametrize("status", STATUSES)
async def test_fault_32_33_61_a_status_of_a_provider(
    provider: Any, caplog: pytest.LogCaptureFixture, api: str, status: int
) -> None:
    words, code = STATUSES[status]
    body = json.dumps({"error": {"message": SECRETS, **words}})
    headers = {"content-type": "application/json", "retry-after": "121"}
    client, made = await provider(body, status=status, headers=headers)
    _, error = await broken(client, api, caplog)
    assert (error.code, error.retry_after) == (code, 121.0)
    assert made.requests == 1


@apis
async def test_fault_36_a_status_with_a_page_of_html(
    provider: Any, caplog: pytest.LogCaptureFixture, api: str
) -> None:
    headers = {"content-type": "text/html"}
    client, _ = await provider("<html>Bad gateway</html>", status=502, headers=headers)
    _, error = await broken(client, api, caplog)
    assert error.code == "server_error"


GARBAGE: dict[str, tuple[bytes | str, str]] = {
    "bad JSON": ("data: {]\n\n", "end"),
    "bad UTF-8": (b"data: \xff\n\n", "end"),
    "an error": (BREAKS["names an error"].body, "end"),
    "only an id": ("id: 7\n\n", "end"),
    "HTML": ("<html></html>", "end"),
    "nothing, and a cut": ("", "cut"),
    "nothing, and no end": ("data: [DONE]\n\n", "hold"),
}


@apis
@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_after_the_end_takes_nothing_away(provider: Any, api: str, what: str) -> None:
    """The answer is whole by then; what was said stands."""
    body, end = GARBAGE[what]
    client, _ = await provider(said(api, "tea"), ENDS[api], body, end=end)
    heard: list[Any] = [event async for event in model_events(await ask(client, api))]
    assert "".join(event.delta for event in heard if event.type == "text-delta") == "tea"
    assert [event.type for event in heard].count("finish") == 1
    assert heard[-1].type == "finish" and heard[-1].reason == "stop"
