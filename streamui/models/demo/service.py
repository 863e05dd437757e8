"""How an answer goes out: streamed, whole, or as the failure that it was told to be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol, TypeAlias, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from streamui.models.demo.answer import Answer
from streamui.models.demo.ask import Ask
from streamui.models.demo.delivery import Delivery, Ledger, cut, left
from streamui.models.demo.pace import CutError, first_byte, paced, wait_for
from streamui.models.demo.wire import Wire, error_body

LARGEST = 8_000_000
"""Bytes of a request."""

Keep: TypeAlias = Callable[[], None]
Brain: TypeAlias = Callable[[Ask], Answer]
"""Answers a request; called on the server's loop, so it must not block."""


class Whole(Wire, Protocol):
    """Writes an answer as a stream or as one object."""

    def whole(self, answer: Answer) -> dict[str, Any]:
        """Make the finished object."""
        ...


class Service:
    """What all paths of the server share.

    Args:
        ledger: Where to count.
        brain: What answers.
    """

    def __init__(self, ledger: Ledger, brain: Brain) -> None:
        self.ledger = ledger
        self.brain = brain

    async def deliver(
        self, request: Request, ask: Ask, made: Answer, wire: Whole, keep: Keep
    ) -> Response:
        """Send an answer, streamed if that was asked for.

        Args:
            request: As it came.
            ask: What it asks for.
            made: What to send.
            wire: Writes its bytes.
            keep: Called when all of it was sent.
        """
        self.ledger.count(requests=1)
        streamed = bool(ask.body.get("stream"))
        if made.held and not await before(request, first_byte(made)):
            return Response()  # to nobody
        made, fails = check_status(ask, made, streamed)
        if fails:
            return failed(made)
        if streamed:
            return Delivery(paced(made, wire), self.ledger, keep)
        if not await before(request, wait_for(made)):
            return Response()  # likewise
        if made.steering.fault == "nonsense":
            nonsense = made.steering.nonsense or b'{"id": "resp_'
            return Response(nonsense, media_type="application/json")
        keep()
        return JSONResponse(wire.whole(made))


async def before(request: Request, awaited: Coroutine[Any, Any, None]) -> bool:
    """Do something before the answer, for as long as the client is there.

    Args:
        request: As it came.
        awaited: What to do; a ``CutError`` cuts the connection.

    Returns:
        Whether there is still anybody to answer.
    """
    leaving = asyncio.create_task(left(request.receive))
    waiting = asyncio.create_task(awaited)
    try:
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            return False
        if isinstance(waiting.exception(), CutError):
            await cut(request.scope, leaving)
            return False
        waiting.result()
        return True
    finally:
        leaving.cancel()
        waiting.cancel()


async def read_body(request: Request) -> dict[str, Any]:
    """Read a request's JSON.

    Raises:
        ValueError: It is no object, or too long.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise ValueError("the request is too long")
    asked = json.loads(bytes(body))
    if not isinstance(asked, dict):
        raise ValueError("an object is wanted")
    return cast("dict[str, Any]", asked)


def check_status(ask: Ask, made: Answer, streamed: bool) -> tuple[Answer, bool]:
    """Say what is answered to this attempt, and whether that is an HTTP status."""
    if made.steering.fault != "status":
        return made, False
    times = made.steering.times
    if times is not None and ask.retried >= times:
        return replace(made, steering=replace(made.steering, fault=None)), False
    return made, made.steering.after == 0 or not streamed


def failed(made: Answer) -> Response:
    """Make the answer of an HTTP status."""
    steering = made.steering
    wait = steering.retry_after if steering.status == 429 else None
    headers = {} if wait is None else {"retry-after": f"{wait:g}"}
    body = steering.nonsense or json.dumps(
        {"error": error_body(steering.status, steering.told, steering.code)}
    )
    return Response(
        body, steering.status, headers | dict(steering.headers), media_type="application/json"
    )


def nothing() -> None:
    """Keep nothing."""
