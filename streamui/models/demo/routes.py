"""The paths that the demo server answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import Any, TypeAlias, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streamui.models.demo.answer import Answer, answer
from streamui.models.demo.background import BackgroundResponse, BackgroundResponses
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
        self._background = BackgroundResponses()

    def app(self) -> Starlette:
        """Make the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/models", self.models),
                Route("/v1/models/{id}", self.model),
                Route("/v1/responses", self.respond, methods=["POST"]),
                Route("/v1/responses/{id}", self.response, methods=["GET", "DELETE"]),
                Route("/v1/responses/{id}/cancel", self.cancel, methods=["POST"]),
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

        if asked.get("background") is True:
            return self._in_background(request, asked, made, wire, keep)
        return await self._deliver(request, asked, made, wire, keep)

    async def chat(self, request: Request) -> Response:
        """Make a chat completion, streamed or whole."""
        asked = await _asked(request)
        messages = read_messages(asked.get("messages"))
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
        made = answer(messages, limit)
        return await self._deliver(request, asked, made, ChatWire(asked, messages), _nothing)

    async def response(self, request: Request) -> Response:
        """Give back, stream again or forget a response."""
        id = request.path_params["id"]
        written = self._background.get(id)
        if request.method == "DELETE":
            self._background.forget(id)
            with suppress(UnknownError) if written else nullcontext():
                self._memory.forget(id)
            return JSONResponse({"id": id, "object": "response", "deleted": True})
        if request.query_params.get("stream") == "true":
            if written is None:
                self._memory.response(id)
                raise ValueError("only a background response can be streamed again")
            self._ledger.count(resumed=1)
            after = int(request.query_params.get("starting_after", -1))
            return Delivery(written.read(after), self._ledger, _nothing)
        return JSONResponse(self._body(id, written))

    async def cancel(self, request: Request) -> Response:
        """Stop a background response; one that has ended stays as it is."""
        id = request.path_params["id"]
        written = self._background.get(id)
        if written is None:
            self._memory.response(id)
            raise ValueError("only a background response can be cancelled")
        if written.cancel():
            self._ledger.count(cancelled=1)
        return JSONResponse(self._body(id, written))

    def _body(self, id: str, written: BackgroundResponse | None) -> dict[str, Any]:
        try:
            return self._memory.response(id)
        except UnknownError:
            if written is None:
                raise
            return written.body()

    def _in_background(
        self,
        request: Request,
        asked: dict[str, Any],
        made: Answer,
        wire: ResponsesWire,
        keep: Keep,
    ) -> Response:
        self._ledger.count(requests=1)
        made, fails = _check_status(request, made, streamed=True)
        if fails:
            return _failed(made)
        written = BackgroundResponse(wire, made, keep)
        self._background.keep(wire.id, written)
        if asked.get("stream"):
            return Delivery(written.read(), self._ledger, _nothing)
        return JSONResponse(written.body())

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
        made, fails = _check_status(request, made, streamed)
        if fails:
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


def _check_status(request: Request, made: Answer, streamed: bool) -> tuple[Answer, bool]:
    """Say what is answered to this attempt, and whether that is an HTTP status."""
    if made.steering.fault != "status":
        return made, False
    retried = request.headers.get("x-stainless-retry-count", "")
    times = made.steering.times
    if times is not None and int(retried if retried.isdecimal() else 0) >= times:
        return replace(made, steering=replace(made.steering, fault=None)), False
    return made, made.steering.after == 0 or not streamed


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
    told = "We could not parse the JSON body of your request."
    message = str(error) if type(error) is ValueError else told
    return JSONResponse({"error": error_body(400, message)}, 400)
