"""The paths of the Assistants API: ``/v1/assistants`` and ``/v1/threads``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streamui.models.demo.delivery import Delivery
from streamui.models.demo.items import page
from streamui.models.demo.pace import first_byte
from streamui.models.demo.run_wire import event
from streamui.models.demo.runs import Run
from streamui.models.demo.service import Service, before, check_status, failed, nothing, read_body
from streamui.models.demo.talk import InvalidError, objects
from streamui.models.demo.threads import Assistants, Thread


class ThreadRoutes:
    """Runs assistants in threads.

    Args:
        service: What answers.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._state = Assistants()

    def routes(self) -> list[Route]:
        """Name the paths."""
        thread = "/v1/threads/{thread}"
        run = f"{thread}/runs/{{run}}"
        return [
            Route("/v1/assistants", self.create_assistant, methods=["POST"]),
            Route("/v1/assistants/{id}", self.assistant, methods=["GET"]),
            Route("/v1/threads", self.create, methods=["POST"]),
            Route("/v1/threads/runs", self.create_and_run, methods=["POST"]),
            Route(thread, self.retrieve, methods=["GET"]),
            Route(thread, self.delete, methods=["DELETE"]),
            Route(f"{thread}/messages", self.say, methods=["POST"]),
            Route(f"{thread}/messages", self.messages, methods=["GET"]),
            Route(f"{thread}/runs", self.run, methods=["POST"]),
            Route(f"{thread}/runs", self.runs, methods=["GET"]),
            Route(run, self.retrieve_run, methods=["GET"]),
            Route(f"{run}/cancel", self.cancel, methods=["POST"]),
            Route(f"{run}/steps", self.steps, methods=["GET"]),
            Route(f"{run}/submit_tool_outputs", self.submit, methods=["POST"]),
        ]

    async def create_assistant(self, request: Request) -> Response:
        """Make an assistant."""
        return JSONResponse(self._state.create(await read_body(request)))

    async def assistant(self, request: Request) -> Response:
        """Give back an assistant."""
        return JSONResponse(self._state.assistant(request.path_params["id"]))

    async def create(self, request: Request) -> Response:
        """Open a thread."""
        empty = request.headers.get("content-length", "0") == "0"
        asked = {} if empty else await read_body(request)
        return JSONResponse(self._state.open(asked).body())

    async def retrieve(self, request: Request) -> Response:
        """Give back a thread."""
        return JSONResponse(self._thread(request).body())

    async def delete(self, request: Request) -> Response:
        """Forget a thread."""
        thread = self._state.threads.pop(request.path_params["thread"])
        thread.close()
        return JSONResponse({"id": thread.id, "object": "thread.deleted", "deleted": True})

    async def say(self, request: Request) -> Response:
        """Add a message."""
        thread = self._thread(request)
        asked = await read_body(request)
        made = thread.say(asked)
        return JSONResponse(made)

    async def messages(self, request: Request) -> Response:
        """List the messages."""
        return JSONResponse(page(self._thread(request).messages, request.query_params))

    async def run(self, request: Request) -> Response:
        """Run an assistant, streamed or not."""
        thread = self._thread(request)
        asked = await read_body(request)
        active = thread.active()
        if active is not None:
            raise InvalidError(f"Thread {thread.id} already has an active run {active}.")
        for given in objects(asked.get("additional_messages")):
            thread.say(given)
        return await self._start(request, thread, asked)

    async def create_and_run(self, request: Request) -> Response:
        """Open a thread and run an assistant in it."""
        asked = await read_body(request)
        given = asked.get("thread")
        opened = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        thread = self._state.open(opened)
        return await self._start(request, thread, asked, event("thread.created", thread.body()))

    async def runs(self, request: Request) -> Response:
        """List the runs."""
        runs = [run.body() for run in self._thread(request).runs.values()]
        return JSONResponse(page(runs, request.query_params))

    async def retrieve_run(self, request: Request) -> Response:
        """Give back a run."""
        return JSONResponse(self._run(request).body())

    async def steps(self, request: Request) -> Response:
        """List the steps of a run."""
        return JSONResponse(page(self._run(request).steps, request.query_params))

    async def cancel(self, request: Request) -> Response:
        """Stop a run."""
        told = self._run(request).cancel()
        self._service.ledger.count(cancelled=1)
        return JSONResponse(told)

    async def submit(self, request: Request) -> Response:
        """Go on with what the tools gave."""
        run = self._run(request)
        asked = await read_body(request)
        self._service.ledger.count(requests=1)
        run.accept(asked.get("tool_outputs"))
        if run.made.held and not await before(request, first_byte(run.made)):
            return Response()  # to nobody
        return self._send(asked, run, run.go_on())

    async def _start(
        self, request: Request, thread: Thread, asked: dict[str, Any], head: bytes = b""
    ) -> Response:
        self._service.ledger.count(requests=1)
        assistant = self._state.assistant(asked.get("assistant_id"))
        run = Run(thread, assistant, asked, request.headers, self._service.brain)
        if run.made.held and not await before(request, first_byte(run.made)):
            return Response()  # to nobody
        made, fails = check_status(run.ask, run.made, streamed=True)
        if fails:
            return failed(made)
        thread.add(run)
        return self._send(asked, run, run.start(made, head))

    def _send(self, asked: dict[str, Any], run: Run, events: AsyncIterator[bytes]) -> Response:
        if asked.get("stream"):
            return Delivery(events, self._service.ledger, nothing)
        return JSONResponse(run.body())

    def _thread(self, request: Request) -> Thread:
        thread = self._state.threads.get(request.path_params["thread"])
        # Runs have written to it since it was asked for last.
        return self._state.threads.put(thread.id, thread, thread.size)

    def _run(self, request: Request) -> Run:
        return self._thread(request).run(request.path_params["run"])
