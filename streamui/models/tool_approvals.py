"""Calls of tools that wait until somebody allows them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from streamui.errors import ToolError
from streamui.streamable.quota import current_page
from streamui.streamable.scope import current_scope


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said.

    Attributes:
        allowed: Whether the tool may run.
        reason: Why not, for the model.
    """

    allowed: bool
    reason: str = ""


class Approvals:
    """The calls of one model's stream that wait.

    They are answered here, or by the page for which the stream is made, see :func:`answer_call`.
    """

    def __init__(self) -> None:
        # Without a scope it may be a page's background event of Reflex's own.
        self._page: str = getattr(current_scope.get(), "page", "") or current_page()
        self._waiting: dict[str, asyncio.Future[Answer]] = {}

    def answer(self, call_id: str, answer: Answer) -> bool:
        """Answer a call; harmless twice, and when it does not wait. From any thread.

        Args:
            call_id: The call's id.
            answer: Whether it may run.

        Returns:
            Whether it waited.
        """
        future = self._waiting.pop(call_id, None)
        if future is None:
            return False
        _pages.pop((self._page, call_id), None)
        future.get_loop().call_soon_threadsafe(_settle, future, answer)
        return True

    async def ask(self, call_id: str, tell: Callable[[], None]) -> Answer:
        """Wait for the answer to a call.

        Args:
            call_id: The call's id.
            tell: Tells whoever may answer, once an answer would be heard.

        Raises:
            ToolError: ``failed``: another call waits under this id, and an answer to one must not
                be taken for one to the other.
        """
        key = (self._page, call_id)
        if call_id in self._waiting or (self._page and key in _pages):
            raise ToolError(f"another call waits for approval under the id {call_id!r}")
        future = self._waiting[call_id] = asyncio.get_running_loop().create_future()
        if self._page:
            _pages[key] = self
        try:
            tell()
            return await future
        finally:
            if self._waiting.pop(call_id, None) is not None:
                _pages.pop(key, None)


_pages: dict[tuple[str, str], Approvals] = {}
"""Who waits for an answer of a page, by the page and the call's id."""


def answer_call(page: str, call_id: str, answer: Answer) -> bool:
    """Answer a call of this process that a page's own function has made.

    Args:
        page: The page that answers.
        call_id: The call's id, from wherever it came.
        answer: Whether it may run.

    Returns:
        Whether it waited here.
    """
    approvals = _pages.get((page, call_id))
    return approvals is not None and approvals.answer(call_id, answer)


def _settle(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
