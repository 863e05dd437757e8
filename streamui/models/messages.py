"""Messages: OpenAI's own input items as plain dicts, and their form for Chat Completions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from streamui.errors import ModelError

Message: TypeAlias = Mapping[str, Any]
"""An input item of the Responses API: ``{"role": …, "content": …}``, ``function_call`` …"""

_TEXTS = ("input_text", "output_text", "text", "summary_text")
_ROLES = {"developer": "system"}  # most compatible servers know only the old word


def read_messages(given: object = None, prompt: object = None) -> list[dict[str, Any]]:
    """Make a list of messages of whatever a user may give.

    Args:
        given: A question, or messages: dicts, or the SDK's objects.
        prompt: A question that follows them.

    Returns:
        The messages, as copies of one level.

    Raises:
        TypeError: Something is no message.
        ValueError: There is nothing to say.
    """
    messages: list[dict[str, Any]] = []
    for each in (given, prompt):
        if isinstance(each, str):
            messages.append({"role": "user", "content": each})
        elif _is_list(each):
            messages += map(_read, cast("Iterable[object]", each))
        elif each is not None:
            raise TypeError(f"give a question or a list of messages, not {type(each).__name__}")
    if not messages:
        raise ValueError("there is nothing to ask: give a prompt or messages")
    return messages


def _is_list(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, Mapping | bytes | bytearray)


def _read(item: Any) -> dict[str, Any]:
    if hasattr(item, "model_dump"):
        item = item.model_dump(exclude_none=True)
    if not isinstance(item, Mapping):
        raise TypeError(f"a message is a dict, not {type(item).__name__}")
    return dict(cast("Mapping[str, Any]", item))


def chat_messages(messages: Sequence[Message], system: str | None = None) -> list[dict[str, Any]]:
    """Write messages the way Chat Completions has them.

    Args:
        messages: Input items; reasoning and what the provider's own tools did is left out.
        system: Instructions, put first.

    Returns:
        The messages for ``chat.completions.create``.

    Raises:
        ModelError: ``bad_request``: an item has no form there.
    """
    written: list[dict[str, Any]] = []
    if system:
        written.append({"role": "system", "content": system})
    for item in messages:
        kind = str(item.get("type") or "message")
        if kind == "message":
            written.append(_message(item))
        elif kind in ("function_call", "custom_tool_call"):
            _add_call(written, item, kind)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            output = _content(item.get("output"))
            written.append({"role": "tool", "tool_call_id": item["call_id"], "content": output})
        elif kind != "reasoning" and not kind.endswith(("_call", "_call_output")):
            raise ModelError(f"Chat Completions has no {kind} messages", code="bad_request")
    return written


def _message(item: Message) -> dict[str, Any]:
    role = str(item.get("role"))
    return {"role": _ROLES.get(role, role), "content": _content(item.get("content"))}


def _add_call(written: list[dict[str, Any]], item: Message, kind: str) -> None:
    if not written or written[-1]["role"] != "assistant":
        written.append({"role": "assistant", "content": None})
    if kind == "function_call":
        function = {"name": item["name"], "arguments": item.get("arguments") or "{}"}
        call = {"type": "function", "function": function}
    else:
        call = {"type": "custom", "custom": {"name": item["name"], "input": item.get("input", "")}}
    written[-1].setdefault("tool_calls", []).append({"id": item["call_id"], **call})


def _content(content: object) -> Any:
    if not isinstance(content, list | tuple):
        return content
    parts = [_part(cast("Message", part)) for part in cast("Sequence[object]", content)]
    if all(part["type"] == "text" for part in parts):  # what every server takes
        return "".join(part["text"] for part in parts)
    return parts


def _part(part: Message) -> dict[str, Any]:
    kind = part.get("type")
    if kind in _TEXTS:
        return {"type": "text", "text": part.get("text") or ""}
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal") or ""}
    if kind == "input_image":
        image = {"url": part.get("image_url"), "detail": part.get("detail") or "auto"}
        return {"type": "image_url", "image_url": image}
    if kind == "input_file":
        names = ("file_data", "file_id", "filename")
        return {"type": "file", "file": {name: part[name] for name in names if name in part}}
    return dict(part)
