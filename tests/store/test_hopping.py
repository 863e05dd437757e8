"""Whatever is written, and wherever its readers go: all end up with the same value."""

from __future__ import annotations

import asyncio
import random

import pytest

from streamui.settings import settings
from streamui.streamable.json_value import copy_json
from streamui.streamable.log import UNSET, Log
from streamui.streamable.mirror import Mirror
from streamui.streamable.value import StreamableValue
from tests.store.conftest import until

WORDS = ["a", "Wort ", "\u2028", "\U0001f469\u200d\U0001f680", "\n", "x" * 300, "\x00", '"\\']


def write_something(value: StreamableValue, chance: random.Random) -> None:
    now = value.value
    match chance.randrange(12):
        case 0:
            value.update(chance.choice(["", "text", [], {}, {"n": 0, "rows": []}, 7, None, True]))
        case 1 | 2 if isinstance(now, dict):
            now[chance.choice("abc")] = chance.choice([chance.random(), WORDS[:3], {"deep": [1]}])
            value.update(now)
        case 3 if isinstance(now, dict) and now:
            now.pop(chance.choice(list(now)))
            value.update(now)
        case 4 if isinstance(now, list) and now:
            now[chance.randrange(len(now))] = chance.choice(WORDS)
            value.update(now)
        case 5 if isinstance(now, list):
            value.update(now[: chance.randrange(len(now) + 1)])
        case _ if isinstance(now, str):
            for _ in range(chance.randrange(1, 6)):
                value.append(chance.choice(WORDS))
        case _ if isinstance(now, list):
            value.append([chance.choice(WORDS), chance.randrange(100)])
        case _ if isinstance(now, dict):
            now.setdefault("log", []).append(chance.choice(WORDS))
            value.update(now)
        case _:
            value.update(chance.choice(WORDS))


class Reader:
    """A client that has a value at an offset, and goes from one process to another."""

    def __init__(self) -> None:
        self.has = Mirror()

    async def visit(self, log: Log, chance: random.Random) -> None:
        for _ in range(chance.randrange(1, 4)):
            self.has.apply(log.read(self.has.offset))
            await asyncio.sleep(chance.choice([0, 0.001, 0.01]))


SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed > 3 else []) for seed in range(12)]


@pytest.mark.parametrize("seed", SEEDS)
async def test_readers_that_hop_between_processes_all_get_the_same(apart, seed, monkeypatch):
    chance = random.Random(seed)
    monkeypatch.setattr(settings, "store_log", chance.choice([200, 2_000, 65_536]))
    monkeypatch.setattr(settings, "patch_log", chance.choice([50, 4_096]))
    stores = [apart() for _ in range(3)]
    start = chance.choice([UNSET, "", {"a": 1}, [1]])
    value = StreamableValue() if start is UNSET else StreamableValue(start)
    stores[0].add(value.id, value.log)
    readers = [Reader() for _ in range(4)]
    writing = True

    async def write() -> None:
        nonlocal writing
        for _ in range(120):
            write_something(value, chance)
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice([0, 0, 0.002, 0.02]))
        value.done()
        writing = False

    async def roam(reader: Reader, chance: random.Random) -> None:
        while reader.has.status == "streaming":
            log = await chance.choice(stores).open(value.id)
            if writing:
                await reader.visit(log, chance)
            else:
                await until(lambda log=log: log.status == "done")
                reader.has.apply(log.read(reader.has.offset))

    await asyncio.gather(write(), *(roam(each, random.Random(n)) for n, each in enumerate(readers)))
    for reader in readers:
        assert reader.has.value == value.value
        assert (reader.has.status, reader.has.offset) == ("done", value.log.offset)
    late = await apart().open(value.id)
    await until(lambda: late.status == "done")  # what the maker has just written is on its way
    assert copy_json(late.value) == value.value
