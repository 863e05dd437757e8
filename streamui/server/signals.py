"""Hearing that the process is to end before its server does.

A server that is told to end cuts its pages' sockets at once, then waits for every open response,
and only then tells the app. Draining has to come before that: so the signal comes here first, and
the server has it when all is drained.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from streamui.server.draining import draining

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def uvicorn_waits() -> Generator[None]:
    """Keep the signals from uvicorn until all is drained; harmless under another server."""
    held: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            handler: Any = signal.getsignal(number)
            if type(getattr(handler, "__self__", None)).__module__.startswith("uvicorn."):
                held[number] = handler
                signal.signal(number, _postponed(loop, handler))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


def _postponed(
    loop: asyncio.AbstractEventLoop, handler: Callable[[int, FrameType | None], Any]
) -> Callable[[int, FrameType | None], None]:
    def postpone(number: int, _: FrameType | None) -> None:
        loop.call_soon_threadsafe(draining.hear, number, lambda: handler(number, None))

    return postpone


def loop_waits(loop: asyncio.AbstractEventLoop, deliver: Callable[[], object]) -> None:
    """Keep the signals from a server that hears them through its event loop.

    Args:
        loop: The server's.
        deliver: Tells the server; called once, for Granian does not stand a second time.
    """
    left = [deliver]

    def deliver_once() -> None:
        if left:
            left.pop()()

    for number in SIGNALS:
        loop.add_signal_handler(number, draining.hear, number, deliver_once)
