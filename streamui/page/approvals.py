"""Events with which a page answers a tool's call that waits for it."""

from __future__ import annotations

from typing import Any, cast

from reflex_base.event import EventSpec

from streamui.page.connection import StreamConnection


def approve(call_id: Any) -> EventSpec:
    """Make the event that allows a tool's call, which then runs.

    Only the page whose function asked can answer, at whichever worker it is, after a reload
    too. Answering twice or too late is harmless.

    Args:
        call_id: The ``id`` of the ``tool-approval`` event: text, or a Var of it.

    Returns:
        An event for any trigger, such as ``on_click``.
    """
    return cast("Any", StreamConnection.answer_call)(call_id, True, "")


def deny(call_id: Any, reason: Any = "") -> EventSpec:
    """Make the event that denies a tool's call: it does not run, and the model is told so.

    Args:
        call_id: As for :func:`approve`.
        reason: Why, for the model: text, or a Var of it.

    Returns:
        An event for any trigger, such as ``on_click``.
    """
    return cast("Any", StreamConnection.answer_call)(call_id, False, reason)
