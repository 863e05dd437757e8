"""Who may read, asked of Redis by many at once."""

from __future__ import annotations

import asyncio

import pytest

from streamui.settings import settings
from streamui.store.readers import Readers
from streamui.store.redis import publisher
from streamui.store.redis.server import Server
from streamui.streamable.value import StreamableValue
from tests.store.conftest import Processes, until

pytestmark = pytest.mark.slow


async def test_a_stream_that_lives_for_ever_has_its_last_readers_in_redis(
    redis, processes, monkeypatch
):
    monkeypatch.setattr(Readers, "most", 5)
    here, there, late = processes(), processes(), processes()
    value = StreamableValue("a")
    here.add(value.id, value.log)
    for number in range(20):
        (here if number % 2 else there).grant(value.id, f"page {number}")
        while not await late.granted(value.id, f"page {number}"):
            await asyncio.sleep(0.005)
    assert [n for n in range(20) if await late.granted(value.id, f"page {n}")] == [*range(15, 20)]
    value.done()


@pytest.mark.parametrize("how", ["written to", "idle"])
async def test_what_others_granted_is_granted_again_when_redis_has_lost_it(
    own_redis, monkeypatch, how
):
    monkeypatch.setattr(settings, "lease", 0.8)
    processes = Processes(own_redis.url)
    here, there, late = processes(), processes(), processes()
    value = StreamableValue("a")
    here.add(value.id, value.log)
    await there.open(value.id)
    there.grant(value.id, "page")
    while not await late.granted(value.id, "page"):
        await asyncio.sleep(0.005)
    await until(lambda: own_redis.cli("KEYS", "*:lease"))
    own_redis.cli("FLUSHALL")
    if how == "written to":
        value.append("b")
    async with asyncio.timeout(5):
        while not await late.granted(value.id, "page"):
            await asyncio.sleep(0.005)
    assert not await late.granted(value.id, "another page")
    value.done()
    await processes.close()


async def test_grants_for_what_others_make_are_remembered_up_to_a_number(processes, monkeypatch):
    monkeypatch.setattr(publisher, "_MOST", 5)
    store = processes()
    for number in range(20):
        store.grant(f"elsewhere {number}", "page")
    assert [name for name, _ in store.engine._publisher._given] == [
        f"elsewhere {number}" for number in range(15, 20)
    ]


async def test_strangers_who_guess_hold_up_no_write_and_no_lease(redis, monkeypatch):
    """Else a page that asks for thousands of streams would have all others' taken for dead."""
    processes = Processes(redis.url)
    one = processes()
    answered = []
    do, run = Server.do, Server.run

    async def count(server, *command):
        result = await do(server, *command)
        answered.append(command[0])
        return result

    async def note(server, *arguments):
        result = await run(server, *arguments)
        answered.append("write")
        return result

    monkeypatch.setattr(Server, "do", count)
    monkeypatch.setattr(Server, "run", note)
    await one.granted("warm", "up")
    answered.clear()
    guesses = [asyncio.create_task(one.granted(f"guess{n}", "stranger")) for n in range(2000)]
    await asyncio.sleep(0)
    value = StreamableValue("in time")
    one.add(value.id, value.log)
    await until(lambda: "write" in answered and "SET" in answered)
    assert max(answered.index("write"), answered.index("SET")) < 200
    for guess in guesses:
        guess.cancel()
    await asyncio.gather(*guesses, return_exceptions=True)
    value.done()
    await processes.close()
