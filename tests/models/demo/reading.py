"""Reading the demo's answers without the SDK, and judging them by the types of the SDK."""

from __future__ import annotations

from typing import Any, cast

import httpx
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from streamui.models.demo import DemoServer

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


QUESTIONS = [
    "Write 5 words about tea, flat out",
    "Think first, then write 5 words about tea, flat out",
    "Refuse to write about tea, flat out",
    "What is streamui? flat out",
    "Write 3 tokens of 5 characters flat out",
    "Write 5 words about tea, flat out, fail with 500 after 2 words",
]


def post(demo: DemoServer, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{demo.base_url}{path}", json=body, timeout=10, verify=False)


def events(response: httpx.Response) -> list[tuple[str, str]]:
    """The name and the data of each event, read without the SDK."""
    assert response.headers["content-type"].startswith("text/event-stream")
    found: list[tuple[str, str]] = []
    for block in response.text.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        assert set(fields) <= {"event", "data"}
        found.append((fields.get("event", ""), fields["data"]))
    return found


def assert_no_more_than_known(model: BaseModel) -> None:
    """A field that OpenAI's type does not have would be an invention."""
    assert not model.model_extra, (type(model).__name__, model.model_extra)
    for name in type(model).model_fields:
        values = getattr(model, name, None)
        for value in cast("list[Any]", values if isinstance(values, list) else [values]):
            if isinstance(value, BaseModel):
                assert_no_more_than_known(value)
