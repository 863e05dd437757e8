"""The paths that the demo server answers."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streamui.models.demo.ask import read_ask
from streamui.models.demo.chat import ChatWire
from streamui.models.demo.conversation_routes import ConversationRoutes
from streamui.models.demo.memory import Memory
from streamui.models.demo.response_routes import ResponseRoutes
from streamui.models.demo.service import Service, nothing, read_body
from streamui.models.demo.shelf import UnknownError
from streamui.models.demo.talk import InvalidError, check_pairs, read_talk
from streamui.models.demo.thread_routes import ThreadRoutes
from streamui.models.demo.wire import error_body

MODELS = ("streamui-demo",)

_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: {}"
)
_UNASKED = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."


def app(service: Service) -> Starlette:
    """Make the ASGI application.

    Args:
        service: What answers; each application has a memory of its own.
    """
    memory = Memory()
    return Starlette(
        routes=[
            Route("/v1/models", _models),
            Route("/v1/models/{id:path}", _model),
            Route("/v1/chat/completions", _Chat(service).complete, methods=["POST"]),
            *ResponseRoutes(service, memory).routes(),
            *ConversationRoutes(memory).routes(),
            *ThreadRoutes(service).routes(),
        ],
        exception_handlers={UnknownError: _unknown, ValueError: _unreadable},
    )


class _Chat:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def complete(self, request: Request) -> Response:
        """Make a chat completion, streamed or whole."""
        asked = await read_body(request)
        talk = read_talk(asked.get("messages"))
        check_pairs(talk, _UNANSWERED, _UNASKED)
        limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
        ask = read_ask("chat", asked, talk, limit, request.headers)
        made = self._service.brain(ask)
        return await self._service.deliver(request, ask, made, ChatWire(ask), nothing)


async def _models(request: Request) -> Response:
    """List the models: one."""
    return JSONResponse({"object": "list", "data": [_described(name) for name in MODELS]})


async def _model(request: Request) -> Response:
    """Describe a model; any name will do."""
    return JSONResponse(_described(request.path_params["id"]))


def _described(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "streamui"}


async def _unknown(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": error_body(404, str(error))}, 404)


async def _unreadable(request: Request, error: Exception) -> Response:
    told = "We could not parse the JSON body of your request."
    message = str(error) if type(error) in (ValueError, InvalidError) else told
    return JSONResponse({"error": error_body(400, message)}, 400)
