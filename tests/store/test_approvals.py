"""A page at another worker than its function answers the function's tools."""

from __future__ import annotations

from streamui.server import approvals
from tests.store.child import child
from tests.store.conftest import Processes

CODE = """
from streamui.models.events import ToolCall
from streamui.models.tool import tools_by_name
from streamui.models.tool_calls import run_calls
from streamui.server import approvals
from streamui.server.run import Run

@ui.tool(approval=True)
async def pay() -> str:
    return "paid"

async def body():
    async for event in run_calls([ToolCall("call", "pay", "")], tools_by_name([pay])):
        say(f"{event.type} {getattr(event, 'output', '')}")

async def emit(_): ...

store.start()
while "streamui-tail-orders" not in [task.get_name() for task in asyncio.all_tasks()]:
    await asyncio.sleep(0.005)
await Run("ask", "mine").drive(body, emit)
await store.close()
"""


async def test_a_page_at_another_worker_answers_its_own_call_only(
    processes: Processes, monkeypatch
):
    here = processes()
    monkeypatch.setattr(approvals, "store", here)
    async with child(CODE, processes.url or "") as other:
        assert await other.line() == "tool-approval "
        await approvals.answer("another", "call", True)
        await approvals.answer("mine", "call", False, "no")
        assert (
            await other.line() == "tool-result Denied: the user did not allow this call. "
            "The reason: no"
        )
        assert await other.wait() == 0
