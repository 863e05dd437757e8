"""The paths of ``/v1/conversations``."""

from __future__ import annotations

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streamui.models.demo.items import as_items, page
from streamui.models.demo.memory import Conversation, Memory
from streamui.models.demo.service import read_body
from streamui.models.demo.shelf import UnknownError


class ConversationRoutes:
    """Opens conversations, and gives them and their items back.

    Args:
        memory: Where they are kept.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def routes(self) -> list[Route]:
        """Name the paths."""
        path = "/v1/conversations"
        one, items = f"{path}/{{id}}", f"{path}/{{id}}/items"
        return [
            Route(path, self.create, methods=["POST"]),
            Route(one, self.retrieve, methods=["GET"]),
            Route(one, self.update, methods=["POST"]),
            Route(one, self.delete, methods=["DELETE"]),
            Route(items, self.list_items, methods=["GET"]),
            Route(items, self.add_items, methods=["POST"]),
            Route(f"{items}/{{item}}", self.item, methods=["GET"]),
            Route(f"{items}/{{item}}", self.delete_item, methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Open a conversation."""
        asked = await read_body(request) if await _has_body(request) else {}
        made = self._memory.begin(_metadata(asked), asked.get("items"))
        return JSONResponse(made.body())

    async def retrieve(self, request: Request) -> Response:
        """Give back a conversation."""
        return JSONResponse(self._one(request).body())

    async def update(self, request: Request) -> Response:
        """Change its metadata."""
        conversation = self._one(request)
        conversation.metadata = _metadata(await read_body(request))
        return JSONResponse(conversation.body())

    async def delete(self, request: Request) -> Response:
        """Forget a conversation."""
        id = request.path_params["id"]
        self._memory.close(id)
        return JSONResponse({"id": id, "object": "conversation.deleted", "deleted": True})

    async def list_items(self, request: Request) -> Response:
        """List what was said."""
        return JSONResponse(page(self._one(request).items, request.query_params))

    async def add_items(self, request: Request) -> Response:
        """Add what was said elsewhere."""
        conversation = self._one(request)
        added = as_items((await read_body(request)).get("items"))
        self._memory.add(conversation.id, added)
        return JSONResponse(page(added, {"limit": "100"}, "asc"))

    async def item(self, request: Request) -> Response:
        """Give back one item."""
        return JSONResponse(_find(self._one(request), request.path_params["item"]))

    async def delete_item(self, request: Request) -> Response:
        """Take one item out."""
        conversation = self._one(request)
        conversation.items.remove(_find(conversation, request.path_params["item"]))
        return JSONResponse(conversation.body())

    def _one(self, request: Request) -> Conversation:
        return self._memory.conversation(request.path_params["id"])


def _find(conversation: Conversation, id: str) -> dict[str, Any]:
    for item in conversation.items:
        if item["id"] == id:
            return item
    raise UnknownError(f"Item with id '{id}' not found.")


def _metadata(asked: dict[str, Any]) -> dict[str, Any]:
    given = asked.get("metadata")
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}


async def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0"
