"""Whole answers as bytes; quick to import, for servers in processes of their own."""

from __future__ import annotations

import json
from typing import Any

PLACE = {"item_id": "m", "output_index": 0, "content_index": 0}
CREATED = {"type": "response.created", "response": {"id": "r", "output": []}}
COMPLETED = {
    "type": "response.completed",
    "response": {"id": "r", "status": "completed", "output": []},
}


def deltas(api: str, pieces: list[str], ascii_only: bool = True) -> bytes:
    """A whole answer in these pieces."""

    def line(event: dict[str, Any]) -> bytes:
        data = json.dumps(event, ensure_ascii=ascii_only)
        return f"data: {data}\n\n".encode()

    if api == "responses":
        said = [
            line({"type": "response.output_text.delta", **PLACE, "delta": piece})
            for piece in pieces
        ]
        return b"".join([line(CREATED), *said, line(COMPLETED)])
    chunk = {"id": "c", "object": "chat.completion.chunk"}
    said = [line({**chunk, "choices": [{"index": 0, "delta": {"content": p}}]}) for p in pieces]
    stop = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return b"".join([*said, line({**chunk, **stop})])
