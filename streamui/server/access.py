"""Who may read and stop a stream: who was given its handle or a link to it, and nobody else.

This is the one place that decides, whoever asks: a page on its own socket, or a client over HTTP.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamui.errors import LinkExpiredError, StreamNotFoundError
from streamui.store.store import store
from streamui.streamable.log import Log

if TYPE_CHECKING:
    from itsdangerous import Signer

_UNKNOWN = "no stream with this id; it is unknown here or has expired"
_LINK = "link:"  # no page's client token holds a colon
_LONGEST = 256  # characters of a token that are looked at
_own_secret = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody shows who wants to read or stop a stream; any one of these will do.

    Attributes:
        page: A page's client token.
        link: The token of a link that :func:`sign_link` made.
        hook: Asks the app itself, which may have reasons of its own.
    """

    page: str = ""
    link: str = ""
    hook: Callable[[], Awaitable[bool]] | None = None


async def admit(name: str, claim: Claim) -> float | None:
    """Return until when somebody may read and stop a stream, in seconds of ``time.time``.

    What there is to read is not looked at: whether a stream exists makes no difference here, nor
    to how long it takes.

    Args:
        name: A stream's id, from wherever it came.
        claim: What the asker shows, from wherever it came.

    Returns:
        When the permission ends; ``None`` if it does not.

    Raises:
        StreamNotFoundError: If nothing of it opens this stream.
        LinkExpiredError: If a link opened it once.
        StoreUnavailableError: If that cannot be found out now.
    """
    if _is_page(claim.page) and await store.granted(name, claim.page):
        return None
    ends = await _end_of_link(name, claim.link)
    if ends is not None and time.time() < ends:
        return ends
    if claim.hook is not None and await claim.hook():
        return None
    if ends is not None:
        raise LinkExpiredError("the link to this stream has expired")
    raise StreamNotFoundError(_UNKNOWN)


async def readable(name: str, page: str) -> Log:
    """Return a stream's content for a page that may have it.

    Args:
        name: A stream's id, from wherever it came.
        page: The page's client token.

    Raises:
        StreamNotFoundError: If it is unknown, has expired, or is not this page's; which of
            them is not said.
        StoreUnavailableError: If that cannot be found out now.
    """
    await admit(name, Claim(page))
    return await store.open(name)


def sign_link(name: str, expires: float) -> str:
    """Return a token that lets whoever has it read and stop one stream for a while.

    It is signed with ``STREAMUI_SECRET``. Without one, each process signs with a secret of its
    own, and tells the others through the store's engine which tokens it has given out.

    Args:
        name: The stream's id.
        expires: Seconds until it is of no use.
    """
    token = _signer(name).sign(str(int((time.time() + expires) * 1000))).decode()
    if store.engine is not None and not os.environ.get("STREAMUI_SECRET"):
        store.grant(name, _LINK + token)
    return token


def _is_page(token: str) -> bool:
    return 0 < len(token) <= _LONGEST and ":" not in token


async def _end_of_link(name: str, token: str) -> float | None:
    """Return when a link ends, or has ended; ``None`` if it is none to this stream."""
    if not token or len(token) > _LONGEST or not token.isascii():
        return None
    ends = token.partition(".")[0]
    if not ends.isdigit():
        return None
    genuine = _signer(name).validate(token)
    if not genuine and store.engine is not None:
        genuine = await store.granted(name, _LINK + token)
    return int(ends) / 1000 if genuine else None


def _signer(name: str) -> Signer:
    import hashlib

    from itsdangerous import Signer

    secret = os.environ.get("STREAMUI_SECRET") or _own_secret
    salt = f"streamui link {name}".encode()
    return Signer(secret, salt, key_derivation="hmac", digest_method=hashlib.sha256)
