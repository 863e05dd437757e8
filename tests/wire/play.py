"""Plays the cases of ``streams.json``: the contract between server and page.

Each case says what a producer writes (``steps``; ``frame`` is where the page is sent what is
new), the ``frames`` that go over the wire, and what the page shows in the ``end``. The Python
tests check that the server sends these frames, the JavaScript tests that the page makes that
end of them. ``python -m tests.wire.play`` writes frames and ends anew after a change of the
wire; read the difference before you commit it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamui.page.wire import encode
from streamui.streamable.log import UNSET
from streamui.streamable.value import StreamableValue

FILE = Path(__file__).parent / "streams.json"


def play(steps: list[list[Any]]) -> tuple[list[Any], dict[str, Any]]:
    """Return the ops that a page is sent, and what it shows at the end."""
    value: StreamableValue[Any] = StreamableValue()
    offset, name, ops = 0, "the-id", []
    for verb, *arguments in steps:
        if verb == "new":
            value = StreamableValue(*arguments)
        elif verb != "frame":
            getattr(value, verb)(*arguments)
        else:
            change = value.log.read(offset)
            if change.offset != offset or name:
                ops.append(without_reference(encode(change, name)))
            offset, name = change.offset, None
    return ops, end_of(value)


def end_of(value: StreamableValue[Any]) -> dict[str, Any]:
    """Return what a page shows of a streamable."""
    failure = value.failure
    end: dict[str, Any] = {"status": value.status, "offset": value.log.offset}
    if value.log.value is not UNSET:
        end["value"] = value.log.value
    if failure is not None:
        end["error"] = failure.sentence
        end["code"] = failure.code
    return end


def without_reference(op: Any) -> Any:
    """Return an op with its random correlation id left out."""
    if isinstance(op, dict) and "e" in op:
        op = {**op, "e": {**op["e"], "reference": ""}}
    return json.loads(json.dumps(op))


def main() -> None:
    """Write the file anew."""
    cases = json.loads(FILE.read_text(encoding="utf-8"))
    for case in cases:
        case["frames"], case["end"] = play(case["steps"])
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
