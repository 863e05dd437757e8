"""The warning for a streamable that was left open."""

from __future__ import annotations

import asyncio
import sys
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from streamui.settings import settings

if TYPE_CHECKING:
    from streamui.streamable.base import Streamable


class LeftOpenWarning(UserWarning):  # Python hides a ResourceWarning by default
    """A streamable got no write and no end for a while, and no running function owns it."""


def creation_line() -> str:
    """Return ``file:line`` of the code outside this package that makes a streamable now."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]  # inspect is 100 times slower
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(
        "streamui.streamable"
    ):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def watch_open(streamable: Streamable[Any]) -> None:
    """Warn once when the streamable stays open without a write for ``settings.open_warning``.

    Silent where no event loop runs: then nothing waits for the end either.
    """
    if settings.open_warning <= 0:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    _arm(loop, weakref.ref(streamable), settings.open_warning)


def _arm(
    loop: asyncio.AbstractEventLoop, reference: weakref.ref[Streamable[Any]], delay: float
) -> None:
    loop.call_later(delay, _look, loop, reference)


def _look(loop: asyncio.AbstractEventLoop, reference: weakref.ref[Streamable[Any]]) -> None:
    streamable = reference()
    if streamable is None or streamable.closed or streamable.owned:
        return
    left = streamable.last_write + settings.open_warning - time.monotonic()
    if left > 0:
        _arm(loop, reference, left)
        return
    warnings.warn(
        f"The streamable made at {streamable.made_at} has been open for "
        f"{settings.open_warning:g} s without a write: end it with .done() or .error(). "
        "(STREAMUI_OPEN_WARNING sets the time, 0 is never.)",
        LeftOpenWarning,
        stacklevel=1,
    )
