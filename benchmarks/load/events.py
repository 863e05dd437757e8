"""A plain server of event streams: one that is idle, and one that never rests."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

import streamui as ui
from benchmarks.load.pieces import clock_piece, write_at
from streamui.store.store import store

RATE = 20
FILLING = 5_000
"""Characters that the busy stream gets besides each time."""

streams: dict[str, ui.StreamableValue[str]] = {}


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncGenerator[None]:
    """Open the streams while the server runs."""
    for name in ("idle", "busy", "small"):
        stream = streams[name] = ui.StreamableValue("")
        store.add(stream.id, stream.log)
    yield
    for stream in streams.values():
        stream.done()


async def write(request: Request) -> Response:
    """Fill the busy stream and the small one for some seconds."""
    seconds = int(request.query_params["seconds"])

    def both(_: str) -> None:
        streams["busy"].append("x" * FILLING)
        streams["small"].append(clock_piece())

    await write_at(RATE, RATE * seconds, asyncio.get_running_loop().time(), both)
    return JSONResponse({"length": len(streams["small"].value)})


def about(_: Request) -> Response:
    """Say who this is, and where the streams are."""
    names = {name: stream.id for name, stream in streams.items()}
    return JSONResponse({"process": os.getpid(), **names})


app = Starlette(
    routes=[
        Route("/about", about),
        Route("/write", write),
        Mount("/", ui.routes(authorize=lambda *_: True)),
    ],
    lifespan=lifespan,
)
for limit in ("connections", "connections_per_client"):
    if hasattr(ui.settings, limit):
        setattr(ui.settings, limit, 0)
