"""The client and the model that a page uses when it names none."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from streamui.models.background import wait_for_cancels
from streamui.models.failures import retry_after
from streamui.settings import settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_MODEL = "gpt-5.4-mini"
"""The model asked for when a key is set and no model is named."""

DEMO_MODEL = "streamui-demo"
"""The name of the embedded demo model."""

Address: TypeAlias = tuple[str | None, str | None, bool]

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Address, AsyncOpenAI]] = (
    WeakKeyDictionary()
)


def default_client() -> AsyncOpenAI:
    """Get the client of the model that is configured, or of the embedded demo model.

    With ``OPENAI_API_KEY`` or ``OPENAI_BASE_URL`` set it is the real thing; with neither, a
    small server on loopback that needs no key, started at the first call. The variables are
    read at each call; a client is made once for each event loop and setting.

    It tries again as ``settings.model_retries`` and ``settings.retry_after_limit`` say, and waits
    as long as the timeouts of :data:`~streamui.settings.settings`.

    Returns:
        A client of the ``openai`` package. Inside of an event loop it is shared: leave it
        open.
    """
    key = os.environ.get("OPENAI_API_KEY") or None
    address = os.environ.get("OPENAI_BASE_URL") or None
    if key is None and address is None:
        from streamui.models.demo.host import server

        where = (None, server().base_url, True)
    else:
        where = (key, address, False)
    return _client(where)


def client_at(key: str | None, address: str | None) -> AsyncOpenAI:
    """Get the client for a provider, as :func:`default_client` gives that of the default one.

    Args:
        key: The provider's key; ``None`` is none.
        address: Its ``base_url``; ``None`` is OpenAI's.

    Returns:
        A client of the ``openai`` package, shared within the event loop: leave it open.
    """
    return _client((key, address, False))


def _client(where: Address) -> AsyncOpenAI:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _make(where)
    clients = _clients.setdefault(loop, {})
    client = clients.get(where)
    if client is None or client.is_closed():
        client = clients[where] = _make(where)
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
    """Close all clients of the running event loop; for its shutdown, after its runs have ended."""
    await wait_for_cancels()
    clients = _clients.pop(asyncio.get_running_loop(), {})
    for client in clients.values():
        await client.close()


def _make(where: Address) -> AsyncOpenAI:
    from openai import DEFAULT_TIMEOUT, AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

    key, address, demo = where
    silence = settings.first_token_timeout, settings.token_timeout
    timeout = Timeout(
        DEFAULT_TIMEOUT.write,
        connect=settings.connect_timeout or None,
        read=max(silence) if all(silence) else None,
    )
    # Loopback is not to be asked for through the proxy that the environment may name, and needs
    # no certificates, which take longer to load than the demo to answer.
    local = {"trust_env": False, "verify": False} if demo else {}
    hooks = {"response": [_limit_wait]}
    # Servers of one's own mostly need no key, but the SDK insists on one.
    return AsyncOpenAI(
        api_key=key or "none",
        base_url=address,
        timeout=timeout,
        max_retries=settings.model_retries,
        http_client=DefaultAsyncHttpx2Client(event_hooks=hooks, **local),
    )


async def _limit_wait(response: Any) -> None:
    """Have the SDK give up at once when it would have to wait for longer than is wanted."""
    wait = retry_after(response.headers)
    if response.is_error and wait is not None and wait > settings.retry_after_limit:
        response.headers["x-should-retry"] = "false"
