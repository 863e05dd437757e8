"""A page that comes back keeps its state, even where its old connection seems to be there.

Reflex gives whoever connects with a client token that is in use a new token, and with it a fresh
state: that is how a duplicated tab becomes a page of its own. But a connection whose network is
gone, or whose process was killed, is in use only by its looks. So the old connection is asked
first; what does not answer makes way.

With Redis, what another process has said of a page may be on its way while the page connects here.
Reflex would believe it afterwards, and drop whatever the page says. So a page's record is not read
while the page is connecting, and of two connections of one page the second waits for the first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

import wrapt
from redis.exceptions import RedisError

from streamui.errors import StoreUnavailableError
from streamui.page import link
from streamui.store.engine import Order
from streamui.store.store import store

logger = logging.getLogger("streamui")
_PATIENCE = 1.5  # seconds for another process to answer; it asks the page, which takes its time
_LOOK = 0.05  # seconds between two looks whether the page has been let go elsewhere

_asked: dict[str, asyncio.Future[None]] = {}
_answering: set[asyncio.Task[None]] = set()
_connecting: set[str] = set()
_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


async def _link_token_to_sid(
    connect: Callable[..., Awaitable[Any]],
    manager: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    token, sid = _page(*args, **kwargs)
    if sid in _connecting:  # with Redis out of reach, Reflex does here what it does without
        return await connect(*args, **kwargs)
    async with _turn(token):
        _connecting.add(sid)
        try:
            await _make_way(manager, token, sid)
            return await connect(*args, **kwargs)
        finally:
            _connecting.discard(sid)


async def _fetch_socket_record(
    fetch: Callable[..., Awaitable[Any]],
    _: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    token, _ = _page(*args, **kwargs)
    async with _turn(token):
        return await fetch(*args, **kwargs)


def _page(token: str, sid: str = "") -> tuple[str, str]:
    return token, sid


def _turn(token: str) -> asyncio.Lock:
    """Return the lock of whoever reads or writes where a page is connected."""
    return _turns.setdefault(token, asyncio.Lock())


async def _make_way(manager: Any, token: str, sid: str) -> None:
    """Let go of a page's old connection if there is nobody there."""
    record = manager.token_to_socket.get(token)
    if record is not None and record.instance_id == manager.instance_id:
        if record.sid != sid and not await link.answers(record.sid):
            await _hang_up(manager, token, record.sid)
    elif await _is_elsewhere(manager, token) and not await _answers_elsewhere(manager, token):
        await manager.redis.delete(manager._get_redis_key(token))


async def _hang_up(manager: Any, token: str, sid: str) -> None:
    logger.info("A page has come back; its old connection does not answer and is closed.")
    await manager.disconnect_token(token, sid)
    await link.hang_up(sid)


async def _is_elsewhere(manager: Any, token: str) -> bool:
    try:
        return hasattr(manager, "redis") and bool(
            await manager.redis.exists(manager._get_redis_key(token))
        )
    except RedisError:
        return False


async def _answers_elsewhere(manager: Any, token: str) -> bool:
    """Ask the other processes whether one of them has this page, and it is there."""
    first = token not in _asked
    answer = _asked.setdefault(token, asyncio.get_running_loop().create_future())
    try:
        if first:
            await store.tell({"has_page": token})
        async with asyncio.timeout(_PATIENCE):
            while not answer.done() and await _is_elsewhere(manager, token):
                await asyncio.wait({answer}, timeout=_LOOK)
        return answer.done()
    except TimeoutError:
        return False
    except StoreUnavailableError:
        return True  # for all that is known
    finally:
        if first:
            del _asked[token]


async def _answer(token: str) -> None:
    """Tell whoever asks that a page is here; one that does not answer is let go."""
    sid = link.connection_of(token)
    if sid is None:
        return
    if await link.answers(sid):
        await store.tell({"page_is_here": token})
    else:
        await _hang_up(link.token_manager(), token, sid)


def _hear(order: Order) -> None:
    match dict[str, Any](order):
        case {"has_page": str(token)}:
            task = asyncio.create_task(_answer(token), name="streamui-has-page")
            _answering.add(task)
            task.add_done_callback(_answering.discard)
        case {"page_is_here": str(token)}:
            answer = _asked.get(token)
            if answer is not None and not answer.done():
                answer.set_result(None)
        case _:
            pass


store.listen(_hear)


@wrapt.when_imported("reflex.utils.token_manager")
def _with_reflex(module: ModuleType) -> None:
    if not hasattr(module, "RedisTokenManager"):  # its own import has led here: not yet
        wrapt.register_post_import_hook(lambda _: _with_reflex(module), "reflex.app")
        return
    for name in ("LocalTokenManager", "RedisTokenManager"):
        wrapt.wrap_function_wrapper(module, f"{name}.link_token_to_sid", _link_token_to_sid)
    name = "RedisTokenManager._fetch_socket_record"
    wrapt.wrap_function_wrapper(module, name, _fetch_socket_record)
