"""Real Redis servers, one of each kind for all tests, and processes' stores that share one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from streamui.store.redis.engine import RedisEngine
from streamui.store.store import Store
from tests.store.redis_server import RedisCluster, RedisServer, redis_cluster, redis_server

MakeStore = Callable[[], Store]


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A Redis that all tests may use, and none may hurt."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[RedisCluster]:
    """The same, of three nodes."""
    with redis_cluster() as made:
        yield made


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A Redis of the test's own, to stop, to fill or to kill."""
    with redis_server() as server:
        yield server


class Processes:
    """Stores as the processes of one app have them; closed when the test ends."""

    def __init__(self, url: str | None) -> None:
        self.url = url
        self._alone = Store() if url is None else None
        self.engines: list[RedisEngine] = []

    def __call__(self) -> Store:
        """One more process; in memory mode there is only the one."""
        if self._alone is not None:
            return self._alone
        assert self.url is not None
        engine = RedisEngine(self.url)
        self.engines.append(engine)
        return Store(engine)

    async def close(self) -> None:
        for engine in self.engines:
            await engine.close()


async def _processes(request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    urls = {
        "memory": lambda: None,
        "redis": lambda: request.getfixturevalue("redis").url,
        "cluster": lambda: request.getfixturevalue("cluster").url,
    }
    processes = Processes(urls[request.param]())
    yield processes
    await processes.close()
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("streamui")] == []


# A cluster's client asks each node for all its commands first: these tests are many seconds.
_CLUSTER = pytest.param("cluster", marks=pytest.mark.slow)

process = pytest.fixture(params=["memory", "redis", _CLUSTER], name="process")(_processes)
"""Makes the stores of processes that share their streams, over each engine there is."""

apart = pytest.fixture(params=["redis", _CLUSTER], name="apart")(_processes)
"""The same, where processes can be apart from each other."""


@pytest.fixture
async def processes(redis: RedisServer) -> AsyncIterator[Processes]:
    """Processes over one Redis."""
    made = Processes(redis.url)
    yield made
    await made.close()


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.005)
