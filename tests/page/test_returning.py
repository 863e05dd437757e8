"""A page that connects is connected here, whatever was said of it elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import reflex.app  # noqa: F401
from redis.asyncio import Redis
from reflex.utils.token_manager import RedisTokenManager

from tests.store.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def here(server: RedisServer) -> AsyncIterator[RedisTokenManager]:
    manager = RedisTokenManager(Redis.from_url(server.url))
    yield manager
    await manager.close()


@pytest.fixture
async def elsewhere(server: RedisServer) -> AsyncIterator[RedisTokenManager]:
    manager = RedisTokenManager(Redis.from_url(server.url))
    yield manager
    await manager.close()


async def test_what_was_said_before_a_page_connected_is_not_believed_afterwards(
    here: RedisTokenManager, elsewhere: RedisTokenManager, monkeypatch: pytest.MonkeyPatch
):
    token, read = "token", asyncio.Event()
    answered, get = asyncio.Event(), here.redis.get

    async def get_slowly(key: str):
        record = await get(key)
        answered.set()
        await read.wait()
        return record

    assert await elsewhere.link_token_to_sid(token, "old") is None
    monkeypatch.setattr(here.redis, "get", get_slowly)
    async with asyncio.TaskGroup() as group:
        group.create_task(here._get_token_owner(token))  # what a run does that updates the page
        await answered.wait()
        await elsewhere.disconnect_token(token, "old")
        connecting = group.create_task(here.link_token_to_sid(token, "new"))
        await asyncio.wait({connecting}, timeout=0.2)  # while the answer is on its way
        read.set()
    assert connecting.result() is None
    assert here.sid_to_token["new"] == token
    assert here.token_to_socket[token].sid == "new"
    assert here.token_to_socket[token].instance_id == here.instance_id
