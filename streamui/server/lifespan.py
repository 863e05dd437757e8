"""What happens when an app starts in a process, and when it ends there."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from streamui.server.draining import draining
from streamui.server.signals import uvicorn_waits
from streamui.store.store import store


@asynccontextmanager
async def lifespan(app: object = None) -> AsyncGenerator[None]:
    """Start and end streams with an app that is not Reflex's, which does so by itself.

    When uvicorn is asked to end, runs have ``settings.drain`` seconds, then open responses are
    closed so that their clients come back for the rest, and what other processes are to know is
    written.

    Args:
        app: The application; not looked at.

    Example:
        app = Starlette(routes=[...], lifespan=ui.lifespan)
    """
    with uvicorn_waits():
        begin()
        try:
            yield
        finally:
            await draining.drain()
            await end()


def begin() -> None:
    """Begin to hear the app's other processes."""
    draining.reset()
    store.start()


async def end() -> None:
    """Let go of what the process holds: the shared store, connections to models, the demo."""
    await store.close()
    # What was never loaded holds nothing.
    if client := sys.modules.get("streamui.models.client"):
        await client.aclose_default_clients()
    if demo := sys.modules.get("streamui.models.demo.host"):
        demo.stop()
