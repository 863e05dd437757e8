"""Who may read, asked of Redis by many at once."""

from __future__ import annotations

import asyncio

from streamui.store.readers import Readers
from streamui.store.redis.server import Server
from streamui.streamable.value import StreamableValue
from tests.store.conftest import Processes, until


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
