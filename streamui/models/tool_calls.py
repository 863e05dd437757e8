"""The calls of tools that a model makes in one turn, run side by side."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from streamui.models.events import ToolApproval, ToolCall, ToolProgress, ToolResult, ToolStart
from streamui.models.tool import Tool
from streamui.models.tool_approvals import Approvals
from streamui.models.tool_context import ToolContext
from streamui.models.tool_outcome import ToldError, failure_of, result_of
from streamui.models.tool_run import run_function
from streamui.settings import settings
from streamui.streamable.json_value import to_json

logger = logging.getLogger("streamui")

ToolEvent: TypeAlias = ToolApproval | ToolStart | ToolProgress | ToolResult

_LONGEST = 64  # characters of a made up name that are repeated
_LONGEST_REASON = 2_000


async def run_calls(
    calls: Sequence[ToolCall],
    tools: Mapping[str, Tool[..., Any]],
    *,
    context: Any = None,
    approvals: Approvals | None = None,
) -> AsyncGenerator[ToolEvent]:
    """Run the calls of a turn, all at once, and tell what becomes of them, as it happens.

    Cancelling whoever reads this cancels what still runs, and so does closing it, as
    ``contextlib.aclosing`` does.

    Args:
        calls: What the model wants.
        tools: By name, from :func:`~streamui.models.tool.tools_by_name`.
        context: The ``context`` of each :class:`~streamui.models.tool_context.ToolContext`.
        approvals: Where calls wait until somebody allows them.

    Yields:
        Events, of all calls mixed; exactly one ``tool-result`` for each call, whatever becomes
        of it. Its ``output`` is for the model.
    """
    shared = _Turn(tools, context, Approvals() if approvals is None else approvals)
    tasks: list[asyncio.Task[None]] = []
    try:
        for call in calls:
            name = f"streamui tool {call.name[:_LONGEST]}"
            tasks.append(asyncio.create_task(_Call(call, shared).run(), name=name))
        left = len(tasks)
        while left:
            event = await shared.events.get()
            left -= event.type == "tool-result"
            yield event
    finally:
        await _end(tasks)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        _, stubborn = await asyncio.wait(tasks, timeout=settings.stop_grace)
        for task in stubborn:
            logger.warning("%s was cancelled, and goes on", task.get_name())


class _Turn:
    """What the calls of a turn share."""

    def __init__(
        self, tools: Mapping[str, Tool[..., Any]], context: Any, approvals: Approvals
    ) -> None:
        self.tools = tools
        self.context = context
        self.approvals = approvals
        self.events: asyncio.Queue[ToolEvent] = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()


class _Call:
    """One call, from what the model wrote to its result."""

    def __init__(self, call: ToolCall, turn: _Turn) -> None:
        self._call = call
        self._turn = turn
        self._over = False

    async def run(self) -> None:
        """Tell one result, unless it is cancelled."""
        try:
            result = result_of(self._call, await self._result())
        except asyncio.CancelledError as cause:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            result = failure_of(self._call, cause)  # it waited for something that was cancelled
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # any, SystemExit too: it is the user's code
            result = failure_of(self._call, cause)
        finally:
            self._over = True
        self._turn.events.put_nowait(result)

    async def _result(self) -> Any:
        call, turn = self._call, self._turn
        tool = turn.tools.get(call.name)
        if tool is None:
            there_are = ", ".join(turn.tools) or "none"
            words = f"Error: there is no tool {call.name[:_LONGEST]!r}. There are: {there_are}."
            raise ToldError(words, "unknown_tool")
        arguments = tool.arguments.read(call.arguments)
        told = tool.arguments.shown(arguments)
        if await self._needs_approval(tool, arguments):
            await self._wait_for_approval(ToolApproval(call.id, tool.name, told))
        turn.events.put_nowait(ToolStart(call.id, tool.name, told))
        if tool.arguments.context:
            context: ToolContext[Any] = ToolContext(call.id, tool.name, turn.context, self._tell)
            arguments = {**arguments, tool.arguments.context: context}
        return await self._run(tool, functools.partial(tool.function, **arguments))

    async def _needs_approval(self, tool: Tool[..., Any], arguments: dict[str, Any]) -> bool:
        if isinstance(tool.approval, bool):
            return tool.approval
        needed = tool.approval(arguments)
        return bool(await needed if inspect.isawaitable(needed) else needed)

    async def _wait_for_approval(self, question: ToolApproval) -> None:
        turn = self._turn
        answer = await turn.approvals.ask(question.id, lambda: turn.events.put_nowait(question))
        if not answer.allowed:
            reason = f" The reason: {answer.reason[:_LONGEST_REASON]}" if answer.reason else ""
            raise ToldError(f"Denied: the user did not allow this call.{reason}", "denied")

    async def _run(self, tool: Tool[..., Any], function: functools.partial[Any]) -> Any:
        seconds = settings.tool_timeout if tool.timeout is None else tool.timeout
        limit = asyncio.timeout(seconds or None)
        try:
            async with limit:
                return await run_function(function, lambda data: self._tell(to_json(data)))
        except TimeoutError as cause:
            if not limit.expired():
                raise  # its own
            words = f"Error: the tool was ended because it took more than {seconds:g} seconds."
            raise ToldError(words, "timeout") from cause

    def _tell(self, data: Any) -> None:
        event = ToolProgress(self._call.id, self._call.name, data)
        if threading.get_ident() == self._turn.thread:
            self._put(event)
            return
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._turn.loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: ToolProgress) -> None:
        if not self._over:
            self._turn.events.put_nowait(event)
