"""Reflex's configuration, as far as streams follow it."""

from __future__ import annotations

from collections.abc import Sequence

from reflex_base.config import get_config
from reflex_base.environment import environment


def allowed_origins() -> Sequence[str]:
    """Return the origins whose pages may ask the backend; ``*`` is all."""
    return get_config().cors_allowed_origins


def backend_address() -> str:
    """Return what a page puts before a path of the backend; nothing where both are one server."""
    if environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.get():
        return ""
    return get_config().api_url


def redis_address() -> str | None:
    """Return the address of the Redis that has Reflex's states, if there is one."""
    return get_config().redis_url


def trusted_proxies() -> int:
    """Return how many proxies before the backend are trusted to say who asks."""
    return get_config().trusted_proxy_hops
