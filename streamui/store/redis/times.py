"""How long Redis keeps what."""

from __future__ import annotations

from streamui.settings import settings


def kept() -> int:
    """Milliseconds that a live stream is kept when nothing more is heard of it.

    Long, for it is only there so that nothing stays for ever should everybody die.
    """
    return int(1000 * (max(settings.retain, 60.0) + 60.0))


def retained() -> int:
    """Milliseconds that a stream is kept after its end."""
    return max(1, int(1000 * settings.retain))


def lease() -> int:
    """Milliseconds that a process counts as alive after its last sign of life."""
    return max(1, int(1000 * settings.lease))
