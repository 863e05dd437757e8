"""The paths of ``/v1/responses``."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streamui.models.demo.answer import Answer
from streamui.models.demo.ask import Ask, read_ask
from streamui.models.demo.background import BackgroundResponse, background_responses
from streamui.models.demo.delivery import Delivery
from streamui.models.demo.items import as_items, page
from streamui.models.demo.memory import Memory
from streamui.models.demo.pace import first_byte
from streamui.models.demo.responses import ResponsesWire
from streamui.models.demo.service import (
    Keep,
    Service,
    before,
    check_status,
    failed,
    nothing,
    read_body,
)
from streamui.models.demo.shelf import UnknownError
from streamui.models.demo.talk import Message, check_pairs, read_talk

_UNANSWERED = "No tool output found for function call {}."
_UNASKED = "No tool call found for function call output with call_id {}."


class ResponseRoutes:
    """Makes responses, and gives them back.

    Args:
        service: What answers.
        memory: Where they are kept.
    """

    def __init__(self, service: Service, memory: Memory) -> None:
        self._service = service
        self._memory = memory
        self._background = background_responses()

    def routes(self) -> list[Route]:
        """Name the paths."""
        path = "/v1/responses"
        return [
            Route(path, self.respond, methods=["POST"]),
            Route(f"{path}/{{id}}", self.response, methods=["GET"]),
            Route(f"{path}/{{id}}", self.delete, methods=["DELETE"]),
            Route(f"{path}/{{id}}/cancel", self.cancel, methods=["POST"]),
            Route(f"{path}/{{id}}/input_items", self.input_items),
        ]

    async def respond(self, request: Request) -> Response:
        """Make a response: streamed, whole, or in the background."""
        asked = await read_body(request)
        earlier = self._memory.before(asked.get("previous_response_id"), asked.get("conversation"))
        said = as_items(asked.get("input"))
        talk = read_talk([*earlier, *said])
        check_pairs(talk, _UNANSWERED, _UNASKED)
        if isinstance(asked.get("instructions"), str):
            talk = (Message("system", asked["instructions"]), *talk)
        ask = read_ask("responses", asked, talk, asked.get("max_output_tokens"), request.headers)
        made = self._service.brain(ask)
        wire = ResponsesWire(ask)

        def keep() -> None:
            if asked.get("store", True) is not False:
                self._memory.keep(wire.whole(made), earlier, said)
            if written := self._background.find(wire.id):
                self._background.grow(wire.id, written.size)

        if asked.get("background") is True:
            return await self._in_background(request, ask, made, wire, keep)
        return await self._service.deliver(request, ask, made, wire, keep)

    async def response(self, request: Request) -> Response:
        """Give back a response, or stream it again."""
        id = request.path_params["id"]
        written = self._background.find(id)
        if request.query_params.get("stream") != "true":
            return JSONResponse(self._body(id, written))
        if written is None:
            self._memory.response(id)
            raise ValueError("only a background response can be streamed again")
        after = int(request.query_params.get("starting_after", -1))
        self._service.ledger.count(resumed=1)
        return Delivery(written.read(after), self._service.ledger, nothing)

    async def delete(self, request: Request) -> Response:
        """Forget a response."""
        id = request.path_params["id"]
        written = self._background.find(id)
        if written is not None:
            self._background.pop(id).cancel()
        with suppress(UnknownError) if written else nullcontext():
            self._memory.forget(id)
        return JSONResponse({"id": id, "object": "response", "deleted": True})

    async def input_items(self, request: Request) -> Response:
        """List what a response was made from."""
        items = self._memory.input_of(request.path_params["id"])
        return JSONResponse(page(items, request.query_params))

    async def cancel(self, request: Request) -> Response:
        """Stop a background response; one that has ended stays as it is."""
        id = request.path_params["id"]
        written = self._background.find(id)
        if written is None:
            self._memory.response(id)
            raise ValueError("only a background response can be cancelled")
        if written.cancel():
            self._service.ledger.count(cancelled=1)
        return JSONResponse(self._body(id, written))

    def _body(self, id: str, written: BackgroundResponse | None) -> dict[str, Any]:
        try:
            return self._memory.response(id)
        except UnknownError:
            if written is None:
                raise
            return written.body()

    async def _in_background(
        self, request: Request, ask: Ask, made: Answer, wire: ResponsesWire, keep: Keep
    ) -> Response:
        self._service.ledger.count(requests=1)
        if made.held and not await before(request, first_byte(made)):
            return Response()  # to nobody
        made, fails = check_status(ask, made, streamed=True)
        if fails:
            return failed(made)
        written = BackgroundResponse(wire, made, keep)
        self._background.put(wire.id, written)
        if ask.body.get("stream"):
            return Delivery(written.read(), self._service.ledger, nothing)
        return JSONResponse(written.body())
