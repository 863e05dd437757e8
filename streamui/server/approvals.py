"""Answers of a page to its tools' calls that wait, in whichever process they do.

Whoever may answer is the page whose own function asked. A page that was shown the question, because
it was given the stream that tells of it, may read and stop that stream (see ``access.py``), but not
answer.
"""

from __future__ import annotations

from typing import Any

from streamui.models.tool_approvals import Answer, answer_call
from streamui.store.engine import Order
from streamui.store.store import store


async def answer(page: str, call_id: str, allowed: bool, reason: str = "") -> None:
    """Answer a call of a tool; harmless twice, too late, and when it is not the page's.

    Args:
        page: The page that answers.
        call_id: The call's id, from wherever it came.
        allowed: Whether it may run.
        reason: Why not, for the model.
    """
    if not answer_call(page, call_id, Answer(allowed, reason)):
        await store.tell({"answer_call": [page, call_id, allowed, reason]})


def _hear(order: Order) -> None:
    match dict[str, Any](order):
        case {"answer_call": [str(page), str(call_id), bool(allowed), str(reason)]}:
            answer_call(page, call_id, Answer(allowed, reason))
        case _:
            pass


store.listen(_hear)
