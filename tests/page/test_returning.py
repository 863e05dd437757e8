"""A page that connects is connected here, whatever was said of it elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import reflex.app  # noqa: F401
from redis.asyncio import Redis
from reflex.utils.token_manager import LocalTokenManager, RedisTokenManager

from streamui.page import link
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


@pytest.mark.parametrize("kind", [LocalTokenManager, RedisTokenManager])
async def test_of_two_connections_at_once_the_second_takes_the_place_of_one_that_is_dead(
    kind: type[LocalTokenManager], here: RedisTokenManager, monkeypatch: pytest.MonkeyPatch
):
    manager = here if kind is RedisTokenManager else LocalTokenManager()
    asked: list[str] = []

    async def nobody_answers(sid: str) -> bool:
        asked.append(sid)
        await asyncio.sleep(0.01)
        return False

    monkeypatch.setattr(link, "answers", nobody_answers)
    monkeypatch.setattr(link, "hang_up", lambda sid: asyncio.sleep(0))
    token = f"token {kind}"
    assert await manager.link_token_to_sid(token, "first") is None
    both = (manager.link_token_to_sid(token, sid) for sid in ("second", "third"))
    assert await asyncio.gather(*both) == [None, None]  # no other token: that is another page
    assert asked == ["first", "second"]
    assert manager.token_to_socket[token].sid == "third"
    assert manager.sid_to_token == {"third": token}
