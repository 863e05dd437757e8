"""What a page and a client may have at once, and how long a run may be silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from streamui.settings import settings
from streamui.streamable.quota import Quota

open_runs = Quota("runs_per_page", "runs_open")
"""The runs that are under way in this process."""

connections = Quota("connections_per_client", "connections")
"""The clients that read a stream over HTTP from this process."""


@contextmanager
def counted(quota: Quota, owner: str) -> Generator[None]:
    """Count something as long as it lasts.

    Args:
        quota: What it counts in, such as :data:`connections`.
        owner: Whose it is: a page's client token, a client's address.

    Raises:
        LimitError: If there are too many already.
    """
    quota.enter(owner)
    try:
        yield
    finally:
        quota.leave(owner)


@contextmanager
def timed(
    time_limit: float, last_sign: Callable[[], float], end: Callable[[str], None]
) -> Generator[None]:
    """Watch the time of something; nothing is left behind afterwards.

    Args:
        time_limit: Seconds it may take; 0 is no limit.
        last_sign: Gives the time of its last sign of life, in seconds of ``time.monotonic``. It
            may be silent for ``settings.idle_limit``.
        end: Called when one of them is over, with words for the log; at most once for each.
    """
    loop, timers = asyncio.get_running_loop(), dict[str, asyncio.TimerHandle]()

    def look() -> None:
        left = last_sign() + settings.idle_limit - time.monotonic()
        if left > 0:
            timers["idle"] = loop.call_later(left, look)
        else:
            end(f"was silent for more than {settings.idle_limit:g} s")

    if time_limit > 0:
        timers["limit"] = loop.call_later(time_limit, end, f"ran for more than {time_limit:g} s")
    if settings.idle_limit > 0:
        timers["idle"] = loop.call_later(settings.idle_limit, look)
    try:
        yield
    finally:
        for timer in timers.values():
            timer.cancel()
