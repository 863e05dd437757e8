"""The paths that the demo server answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streamui.models.demo.answer import Answer, answer
from streamui.models.demo.chat import ChatWire
from streamui.models.demo.delivery import Delivery, Ledger, cut, left
from streamui.models.demo.pace import CutError, paced, wait_for
from streamui.models.demo.responses import ResponsesWire
from streamui.models.demo.talk import Memory, Message, UnknownError, read_messages
from streamui.models.demo.wire import error_body

MODELS = ("streamui-demo",)

Keep: TypeAlias = Callable[[], None]


class Routes:
    """Answers requests from one memory.

    Args:
        ledger: Where to count.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._memory = Memory()

    def app(self) -> Starlette:
        """Make the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/models", self.models),
                Route("/v1/models/{id}", self.model),
                Route("/v1/responses", self.respond, methods=["POST"]),
                Route("/v1/responses/{id}", self.response, methods=["GET", "DELETE"]),
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/conversations", self.converse, methods=["POST"]),
                Route("/v1/conversations/{id}", self.conversation),
            ],
            exception_handlers={UnknownError: _unknown, ValueError: _unreadable},
        )

    async def models(self, request: Request) -> Response:
        """List the models: one."""
        return JSONResponse({"object": "list", "data": [_model(name) for name in MODELS]})

    async def model(self, request: Request) -> Response:
        """Describe a model; any name will do."""
        return JSONResponse(_model(request.path_params["id"]))

    async def respond(self, request: Request) -> Response:
        """Make a response, streamed or whole."""
        asked = await _asked(request)
        said = read_messages(asked.get("input"))
        before = self._memory.before(asked.get("previous_response_id"), asked.get("conversation"))
        messages = before + said
        made = answer(messages, asked.get("max_output_tokens"))
        wire = ResponsesWire(asked, messages)

        def keep() -> None:
            if asked.get("store", True) is not False:
                body = wire.whole(made)
                self._memory.keep(body, (*messages, Message("assistant", made.text)))

        return await self._deliver(request, asked, made, wire, keep)

    async def chat(self, request: Request) -> Response:
        """Make a chat completion, streamed or whole."""
        asked = await _asked(request)
        messages = read_messages(asked.get("messages"))
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
        made = answer(messages, limit)
        return await self._deliver(request, asked, made, ChatWire(asked, messages), _nothing)

    async def response(self, request: Request) -> Response:
        """Give back, or forget, a response."""
        id = request.path_params["id"]
        if request.method == "DELETE":
            self._memory.forget(id)
            return JSONResponse({"id": id, "object": "response", "deleted": True})
        return JSONResponse(self._memory.response(id))

    async def converse(self, request: Request) -> Response:
        """Open a conversation."""
        asked = await _asked(request) if await request.body() else {}
        metadata = cast("dict[str, Any]", asked.get("metadata") or {})
        return JSONResponse(self._memory.begin(metadata, asked.get("items")).body())

    async def conversation(self, request: Request) -> Response:
        """Give back a conversation."""
        return JSONResponse(self._memory.conversation(request.path_params["id"]).body())

    async def _deliver(
        self,
        request: Request,
        asked: dict[str, Any],
        made: Answer,
        wire: ResponsesWire | ChatWire,
        keep: Keep,
    ) -> Response:
        self._ledger.count(requests=1)
        streamed = bool(asked.get("stream"))
        if made.steering.fault == "status":
            retried = request.headers.get("x-stainless-retry-count", "")
            times = made.steering.times
            if times is not None and int(retried if retried.isdecimal() else 0) >= times:
                made = replace(made, steering=replace(made.steering, fault=None))
            elif made.steering.after == 0 or not streamed:
                return _failed(made)
        if streamed:
            return Delivery(paced(made, wire), self._ledger, keep)
        return await self._whole(request, made, wire, keep)

    async def _whole(
        self, request: Request, made: Answer, wire: ResponsesWire | ChatWire, keep: Keep
    ) -> Response:
        leaving = asyncio.create_task(left(request.receive))
        waiting = asyncio.create_task(wait_for(made))
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                return Response()  # to nobody
            if isinstance(waiting.exception(), CutError):
                await cut(request.scope, leaving)
                return Response()  # likewise
        finally:
            leaving.cancel()
            waiting.cancel()
        if made.steering.fault == "nonsense":
            return Response(b'{"id": "resp_', media_type="application/json")
        keep()
        return JSONResponse(wire.whole(made))


async def _asked(request: Request) -> dict[str, Any]:
    asked = json.loads(await request.body())
    if not isinstance(asked, dict):
        raise ValueError("an object is wanted")
    return cast("dict[str, Any]", asked)


def _failed(made: Answer) -> Response:
    status = made.steering.status
    message = f"The demo was asked to fail with {status}."
    headers = {"retry-after": f"{made.steering.retry_after:g}"} if status == 429 else {}
    return JSONResponse({"error": error_body(status, message)}, status, headers)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "streamui"}


def _nothing() -> None:
    return


async def _unknown(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": error_body(404, str(error))}, 404)


async def _unreadable(request: Request, error: Exception) -> Response:
    message = "We could not parse the JSON body of your request."
    return JSONResponse({"error": error_body(400, message)}, 400)
