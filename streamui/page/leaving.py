"""Runs that end with their page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from streamui.page import link
from streamui.settings import settings

_LOOK = 0.5  # seconds between two looks at the connection


def when_page_leaves(token: str, then: Callable[[], None]) -> asyncio.Task[None]:
    """Call a function once a page has been gone for ``settings.leave_grace`` seconds.

    Args:
        token: The page's client token.
        then: Called at most once.

    Returns:
        The watching task; cancel it when it is no longer of interest.
    """
    return asyncio.get_running_loop().create_task(_watch(token, then))


async def _watch(token: str, then: Callable[[], None]) -> None:
    seen = time.monotonic()
    while link.connection_of(token) is not None or time.monotonic() - seen < settings.leave_grace:
        if link.connection_of(token) is not None:
            seen = time.monotonic()
        await asyncio.sleep(_LOOK)
    then()
