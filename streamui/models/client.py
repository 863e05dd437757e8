"""The client and the model that a page uses when it names none."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_MODEL = "gpt-5.4-mini"
"""The model asked for when a key is set and no model is named."""

DEMO_MODEL = "streamui-demo"
"""The name of the embedded demo model."""

Settings: TypeAlias = tuple[str | None, str | None, bool]

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Settings, AsyncOpenAI]] = (
    WeakKeyDictionary()
)


def default_client() -> AsyncOpenAI:
    """Get the client of the model that is configured, or of the embedded demo model.

    With ``OPENAI_API_KEY`` or ``OPENAI_BASE_URL`` set it is the real thing; with neither, a
    small server on loopback that needs no key, started at the first call. The variables are
    read at each call; a client is made once for each event loop and setting.

    Returns:
        A client of the ``openai`` package. Inside of an event loop it is shared: leave it
        open.
    """
    key = os.environ.get("OPENAI_API_KEY") or None
    address = os.environ.get("OPENAI_BASE_URL") or None
    if key is None and address is None:
        from streamui.models.demo.host import server

        settings = (None, server().base_url, True)
    else:
        settings = (key, address, False)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _make(settings)
    clients = _clients.setdefault(loop, {})
    client = clients.get(settings)
    if client is None or client.is_closed():
        client = clients[settings] = _make(settings)
    return client


def default_model() -> str:
    """Name the model to ask for with :func:`default_client`.

    Returns:
        ``STREAMUI_MODEL`` or ``OPENAI_MODEL`` where set, else :data:`DEFAULT_MODEL`; without a
        key and an address always :data:`DEMO_MODEL`.
    """
    if not (os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL")):
        return DEMO_MODEL
    return os.environ.get("STREAMUI_MODEL") or os.environ.get("OPENAI_MODEL") or DEFAULT_MODEL


async def aclose_default_clients() -> None:
    """Close the clients of the running event loop; for its shutdown."""
    clients = _clients.pop(asyncio.get_running_loop(), {})
    for client in clients.values():
        await client.close()


def _make(settings: Settings) -> AsyncOpenAI:
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client

    key, address, demo = settings
    # Loopback is not to be asked for through the proxy that the environment may name, and needs
    # no certificates, which take longer to load than the demo to answer.
    http = DefaultAsyncHttpx2Client(trust_env=False, verify=False) if demo else None
    # Servers of one's own mostly need no key, but the SDK insists on one.
    return AsyncOpenAI(api_key=key or "none", base_url=address, http_client=http)
