"""Redis is cut off, emptied, paused, killed and set back while streams are made and read."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from streamui.errors import StoreUnavailableError, StreamNotFoundError
from streamui.settings import settings
from streamui.store.store import Store
from streamui.streamable.mirror import Mirror
from streamui.streamable.value import StreamableValue
from tests.store.conftest import Processes
from tests.store.redis_server import RedisServer
from tests.store.test_hopping import write_something

pytestmark = pytest.mark.slow


async def storm(redis: RedisServer, chance: random.Random) -> None:
    """Do one thing after the other to Redis, until cancelled."""
    while True:
        await asyncio.sleep(chance.random() * 0.4)
        match chance.randrange(6):
            case 0 | 1:
                redis.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", check=False)
            case 2:
                redis.cli("FLUSHALL", check=False)
            case 3:
                redis.pause()
                try:
                    await asyncio.sleep(chance.random() * 0.8)
                finally:
                    redis.go_on()
            case 4:
                redis.cli("SAVE", check=False)  # what the next start begins with
            case _:
                redis.kill()
                try:
                    await asyncio.sleep(chance.random() * 0.5)
                finally:
                    redis.start()


async def write(value: StreamableValue, chance: random.Random) -> None:
    for _ in range(100):
        write_something(value, chance)
        await asyncio.sleep(chance.choice([0, 0.005, 0.03]))
    value.done()


async def roam(stores: list[Store], name: str, chance: random.Random) -> Mirror:
    """Read a stream to its end, now in this process, now in that."""
    has, deadline = Mirror(), time.monotonic() + 60
    while has.status == "streaming":
        assert time.monotonic() < deadline, f"stuck at {has.offset}"
        try:
            log = await chance.choice(stores).open(name)
        except (StoreUnavailableError, StreamNotFoundError):  # emptied, and nobody saw it yet
            await asyncio.sleep(0.05)
            continue
        for _ in range(3):
            has.apply(log.read(has.offset))
            await asyncio.sleep(chance.choice([0, 0.01, 0.05]))
    return has


@pytest.mark.parametrize("seed", range(8))
async def test_fault_16_whatever_happens_to_redis_readers_get_it_all(own_redis, seed, monkeypatch):
    chance = random.Random(seed)
    monkeypatch.setattr(settings, "lease", 3.0)
    monkeypatch.setattr(settings, "store_log", chance.choice([200, 2_000, 65_536]))
    monkeypatch.setattr(settings, "patch_log", chance.choice([50, 4_096]))
    processes = Processes(own_redis.url)
    stores = [processes() for _ in range(3)]
    values: list[StreamableValue] = [StreamableValue() for _ in range(5)]
    for number, value in enumerate(values):
        stores[number % 3].add(value.id, value.log)
    readers = [
        asyncio.create_task(roam(stores, value.id, random.Random(number)))
        for value in values
        for number in range(3)
    ]
    weather = asyncio.create_task(storm(own_redis, chance))
    await asyncio.gather(*(write(value, random.Random(chance.random())) for value in values))
    weather.cancel()
    await asyncio.gather(weather, return_exceptions=True)
    for number, has in enumerate(await asyncio.gather(*readers)):
        value = values[number // 3]
        assert (has.status, has.offset, has.value) == ("done", value.log.offset, value.value)
    await processes.close()
