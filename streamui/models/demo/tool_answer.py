"""What the demo model says to what the tools gave."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from streamui.models.demo.talk import ToolCall, ToolOutput
from streamui.models.demo.tool_choice import arguments_of

_LONG = 400
_ROWS = 12

_FAILED = re.compile(
    r"^\W*(?:error|exception|failed|failure|traceback|timed? ?out|could not|cannot|unable to)\b",
    re.I,
)
_DENIED = re.compile(r"\b(?:denied|declined|rejected|not (?:allowed|approved|permitted))\b", re.I)


def tell(rounds: Sequence[tuple[ToolCall, ToolOutput]]) -> str:
    """Answer with the tools' results.

    Args:
        rounds: The calls with what they gave, in their order.

    Returns:
        A sentence for one, a list for several; Markdown.
    """
    told = [_one(call, output.text) for call, output in rounds]
    if len(told) == 1:
        return f"{told[0]}\n"
    return "Here is what I found:\n\n" + "".join(f"- {_inline(each)}\n" for each in told)


def _one(call: ToolCall, text: str) -> str:
    name = call.name.replace("_", " ")
    subject = _subject(call)
    about = f"{name}, {subject}" if subject else name
    result = _load(text)
    trouble = _trouble(result)
    if trouble is not None:
        reason = _short(trouble) or "no reason was given"
        if _DENIED.search(f"{trouble} {text}"[: 4 * _LONG]):
            return f"I was not allowed to use **{name}**: {reason}. So I leave that out."
        return f"**{about}** did not work: {reason}. I cannot say more without it."
    if result is None or result == "":
        return f"**{about}**: done."
    if isinstance(result, Mapping):
        fields = cast("Mapping[str, Any]", result)
        parts = [f"{_plain(key)} {_short(value)}" for key, value in list(fields.items())[:_ROWS]]
        return f"**{subject or name}**: {', '.join(parts)}."
    if isinstance(result, list):
        return f"**{about}** gave:\n\n{_rows(cast('list[Any]', result))}"
    return f"**{subject or name}**: {_short(result)}"


def _trouble(result: Any) -> str | None:
    """Give the words of a failure or of a denial; ``None`` when it is neither."""
    if isinstance(result, str):
        if _FAILED.match(result) or (len(result) < 200 and _DENIED.search(result)):
            return result.strip(" .")
        return None
    if not isinstance(result, Mapping):
        return None
    fields = cast("Mapping[str, Any]", result)
    for key in ("error", "denied", "failure"):
        value = fields.get(key)
        if value:
            told = fields.get("message") or fields.get("reason") or fields.get("sentence")
            words: Any = cast("Any", value).get("message") if isinstance(value, dict) else value
            return str(told or (words if words is not True else key)).strip(" .")
    if fields.get("status") in ("error", "failed", "denied"):
        told = fields.get("message") or fields.get("reason") or fields["status"]
        return str(told).strip(" .")
    return None


def _subject(call: ToolCall) -> str:
    """Name what a call was about by its first text, such as the city of a weather report."""
    for value in arguments_of(call).values():
        if isinstance(value, str) and value:
            return _short(value)
    return ""


def _rows(rows: list[Any]) -> str:
    """Write a table of objects that are alike, else a list."""
    shown = rows[:_ROWS]
    objects = [cast("dict[str, Any]", row) for row in shown if isinstance(row, dict)]
    if objects and len(objects) == len(shown):
        keys = list(dict.fromkeys(key for row in objects for key in row))[:6]
        head = f"| {' | '.join(map(_plain, keys))} |\n|{' --- |' * len(keys)}\n"
        lines = (f"| {' | '.join(_short(row.get(key, '')) for key in keys)} |" for row in objects)
        return head + "\n".join(lines)
    return "\n".join(f"- {_short(row)}" for row in shown)


def _inline(told: str) -> str:
    """Make a list or a table one line, for a place inside of a list."""
    if "\n" not in told:
        return told
    head, _, rest = told.partition("\n\n")
    return f"{head} {len(rest.splitlines())} lines"


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _plain(key: str) -> str:
    return _short(key.replace("_", " "))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text[: 4 * _LONG]
    line = " ".join(re.sub(r"[|<>`\[\]]", " ", text).split())
    return line if len(line) <= _LONG else f"{line[: _LONG - 1]}…"
