"""How long a reader that was cut off waits before it connects again."""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime

from streamui.settings import settings

_JITTER = 0.25
"""So that all readers of a server that was restarted do not come back at once."""


def delay(failures: int, *, retry: int | None = None, retry_after: float | None = None) -> float:
    """Return the seconds to wait before connecting again.

    Args:
        failures: How many connections in a row have given nothing.
        retry: Milliseconds that the stream has asked for in place of our own first delay.
        retry_after: Seconds that the last answer has asked for; never less than these.

    Returns:
        Seconds: what the server asked for or ``settings.reconnect_delay``, doubled with each
        failure after the first, up to a quarter more, at most ``settings.reconnect_limit``.
    """
    seconds = settings.reconnect_delay if retry is None else retry / 1000
    if failures:
        # A server that asks for no delay at all is spared once it fails.
        seconds = max(seconds, settings.reconnect_delay) * 2.0 ** min(failures - 1, 32)
    seconds *= random.uniform(1, 1 + _JITTER)
    return min(max(seconds, retry_after or 0), settings.reconnect_limit)


def read_retry_after(value: str) -> float | None:
    """Read the header ``Retry-After``.

    Args:
        value: Seconds, or a date of HTTP.

    Returns:
        Seconds from now, never negative; ``None`` if it is neither.
    """
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
