"""The items of a response and of a conversation: their wire form, and lists of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from streamui.models.demo.talk import InvalidError, objects
from streamui.models.demo.wire import new_id

_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "reasoning": "rs",
}


def conversation_id(conversation: object) -> str:
    """Read a request's ``conversation``: an id, an object with one, or nothing."""
    if isinstance(conversation, dict):
        return str(cast("dict[str, Any]", conversation).get("id") or "")
    return str(conversation or "")


def as_items(given: object) -> list[dict[str, Any]]:
    """Give what was sent as ``input`` or ``items`` the form that it is given back in.

    Args:
        given: A string or a list; what is no object is left out.

    Returns:
        Items with an id each.
    """
    if isinstance(given, str):
        return [_message("user", given)]
    return [_item(item) for item in objects(given)]


def page(
    items: Sequence[dict[str, Any]], query: Mapping[str, str], order: str = "desc"
) -> dict[str, Any]:
    """Make a page of a list.

    Args:
        items: All of them, the oldest first.
        query: With ``limit``, ``order``, ``after`` and ``before``.
        order: Where the query names none.

    Returns:
        The list's wire form.

    Raises:
        InvalidError: The query is not understood.
    """
    order = query.get("order", order)
    told = query.get("limit", "20")
    limit = int(told) if told.isdecimal() else 0
    if order not in ("asc", "desc") or not 1 <= limit <= 100:
        raise InvalidError("Invalid 'order' or 'limit': asc or desc, and from 1 to 100.")
    found = list(items) if order == "asc" else list(reversed(items))
    ids = [item["id"] for item in found]
    for name in ("after", "before"):
        if name in query and query[name] not in ids:
            raise InvalidError(f"Invalid '{name}': no item with id '{query[name]}' found.")
    if "after" in query:
        found = found[ids.index(query["after"]) + 1 :]
    if "before" in query:
        ids = [item["id"] for item in found]
        found = found[: ids.index(query["before"])] if query["before"] in ids else []
    shown = found[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(found) > limit,
    }


def _item(given: dict[str, Any]) -> dict[str, Any]:
    kind = str(given.get("type") or "message")
    if kind == "item_reference":
        raise InvalidError(f"Item with id '{given.get('id')}' not found.")
    if kind == "message":
        return _message(str(given.get("role") or "user"), given.get("content"), given.get("id"))
    item = {"id": given.get("id") or new_id(_PREFIXES.get(kind, "item")), **given}
    if kind in ("function_call", "function_call_output"):
        item["status"] = given.get("status") or "completed"
    return item


def _message(role: str, content: object, id: object = None) -> dict[str, Any]:
    parts = cast("list[Any]", content) if isinstance(content, list) else [content]
    return {
        "id": id or new_id("msg"),
        "type": "message",
        "role": role,
        "status": "completed",
        "content": [_part(role, part) for part in parts if part],
    }


def _part(role: str, given: object) -> dict[str, Any]:
    if isinstance(given, dict):
        return cast("dict[str, Any]", given)
    if role == "assistant":
        return {"type": "output_text", "text": str(given), "annotations": [], "logprobs": []}
    return {"type": "input_text", "text": str(given)}
