"""One event of each type that OpenAI streams, in the shape that is recorded of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def recorded(api: str) -> dict[str, dict[str, Any]]:
    """All events of an API by their names; an Assistants event is its name and its data."""
    files = sorted((Path(__file__).parent / "fixtures" / api).glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


RESPONSES = recorded("responses")
ASSISTANTS = recorded("assistants")


def sse(*events: dict[str, Any]) -> str:
    """Write events of either API as the provider does, each named."""
    return "".join(
        f"event: {event['event']}\ndata: {json.dumps(event['data'])}\n\n"
        if "event" in event
        else f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        for event in events
    )
