"""Running tools without a model."""

from __future__ import annotations

from typing import Any

from streamui.models.events import ToolCall, ToolResult
from streamui.models.tool import tools_by_name
from streamui.models.tool_calls import ToolEvent, run_calls


def calls_of(*functions: Any, written: str = "{}") -> list[ToolCall]:
    tools = tools_by_name(functions)
    return [ToolCall(f"call-{n}", name, written) for n, name in enumerate(tools)]


async def run(*functions: Any, written: str = "{}", context: Any = None) -> list[ToolEvent]:
    calls = calls_of(*functions, written=written)
    return [event async for event in run_calls(calls, tools_by_name(functions), context=context)]


def result_in(events: list[ToolEvent]) -> ToolResult:
    (result,) = [event for event in events if isinstance(event, ToolResult)]
    assert events[-1] is result
    return result


async def failure(function: Any, written: str = "{}") -> ToolResult:
    result = result_in(await run(function, written=written))
    assert result.code and result.sentence and result.reference and result.result is None
    return result
