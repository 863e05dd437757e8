"""What test_lifespan.py runs under uvicorn: an app without Reflex."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import streamui as ui


async def tick():
    while True:
        yield "tick"
        await asyncio.sleep(0.01)


async def ticking(request: Request) -> Response:
    return ui.sse_response(tick())


async def ask(request: Request) -> Response:
    stream = await ui.default_client().responses.create(
        model=ui.default_model(), input="Write 5 words", stream=True
    )
    return ui.text_response(ui.model_events(stream))


app = Starlette(routes=[Route("/tick", ticking), Route("/ask", ask)], lifespan=ui.lifespan)
