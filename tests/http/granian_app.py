"""What test_routes_granian.py runs under Granian, the server that runs Reflex."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import streamui as ui
from streamui.http.stream_response import open_responses

flooded = {"items": 0, "closed": 0}


async def flood():
    try:
        while True:
            flooded["items"] += 1
            yield "x" * 65_536
    finally:
        flooded["closed"] += 1


async def fail():
    yield "so far"
    raise RuntimeError("secret")


async def count(value: ui.StreamableValue[str]) -> None:
    async with asyncio.timeout(60):
        while not value.closed:
            value.append("tick ")
            await asyncio.sleep(0.02)


async def flooding(request: Request) -> Response:
    return ui.text_response(flood())


async def failing(request: Request) -> Response:
    respond = {"text": ui.text_response, "sse": ui.sse_response}[request.path_params["form"]]
    return respond(fail())


async def begin(request: Request) -> Response:
    value = ui.StreamableValue("")
    app.state.counting = asyncio.create_task(count(value))
    return JSONResponse({"url": ui.stream_url(value, float(request.query_params["expires"]))})


async def state(request: Request) -> Response:
    return JSONResponse({**flooded, "open": len(open_responses)})


app = ui.routes()
app.router.routes += [
    Route("/flood", flooding),
    Route("/fail/{form}", failing),
    Route("/begin", begin),
    Route("/state", state),
]
