"""What happens to a streamable that is left open: a warning, and where it is set an end."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from streamui.errors import RunTimeoutError
from streamui.settings import settings
from streamui.streamable.failure import Failure

if TYPE_CHECKING:
    from streamui.streamable.base import Streamable

logger = logging.getLogger("streamui")


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
    """Watch a streamable that no running function owns, as long as it is open.

    It is warned about once when it had no write for ``settings.open_warning``, and ended when it
    had none for ``settings.idle_limit``. Silent where no event loop runs: then nothing waits for
    the end either.
    """
    delay = _sooner(settings.idle_limit, settings.open_warning)
    if delay <= 0:
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    streamable.watch = loop.call_later(delay, _look, loop, weakref.ref(streamable), False)


def _look(
    loop: asyncio.AbstractEventLoop, reference: weakref.ref[Streamable[Any]], warned: bool
) -> None:
    streamable = reference()
    if streamable is None or streamable.closed or streamable.owned:
        return
    silent = time.monotonic() - streamable.last_write
    if 0 < settings.idle_limit <= silent:
        _end(streamable)
        return
    if not warned and 0 < settings.open_warning <= silent:
        warned = True
        _warn(streamable)
    delay = _sooner(settings.idle_limit, 0.0 if warned else settings.open_warning)
    if delay > 0:
        delay = max(delay - silent, 0.0)
        streamable.watch = loop.call_later(delay, _look, loop, reference, warned)


def _sooner(one: float, other: float) -> float:
    """Return the shorter of two times, of which 0 is never."""
    return min(one, other) if one > 0 and other > 0 else max(one, other)


def _end(streamable: Streamable[Any]) -> None:
    error = RunTimeoutError(f"no write for more than {settings.idle_limit:g} s")
    failure = Failure.of(error)
    if streamable.close("error", failure, error):
        logger.warning(
            "A stream made at %s was ended [%s]: %s", streamable.made_at, failure.reference, error
        )


def _warn(streamable: Streamable[Any]) -> None:
    warnings.warn(
        f"The streamable made at {streamable.made_at} has been open for "
        f"{settings.open_warning:g} s without a write: end it with .done() or .error(). "
        "(STREAMUI_OPEN_WARNING sets the time, 0 is never.)",
        LeftOpenWarning,
        stacklevel=1,
    )
