"""10,000 short streams, made by server functions' runs and read by pages of a real event loop."""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import AsyncGenerator

import streamui as ui
from benchmarks.load.outcome import Outcome, descriptors
from benchmarks.targets import Check
from streamui.server.run import Run
from streamui.server.runs import runs
from streamui.store.store import store

STREAMS, AT_ONCE = 10_000, 100


async def one(number: int) -> None:
    """Make one stream in a run, and read it."""
    run = Run("short", f"page {number}")
    runs.add(run)

    async def function() -> AsyncGenerator[None]:
        stream = ui.StreamableValue("")
        store.add(stream.id, stream.log)
        store.grant(stream.id, run.page)
        reader = asyncio.create_task(_read(stream))
        for _ in range(5):
            stream.append("some words ")
            yield
        stream.done()
        await reader

    async def emit(_: object) -> None: ...

    try:
        await run.drive(function, emit)
    finally:
        runs.remove(run)


async def _read(stream: ui.StreamableValue[str]) -> None:
    async for _ in ui.read_streamable(stream):
        pass


async def many(count: int) -> None:
    """Make that many streams, `AT_ONCE` at a time, and let them expire."""
    for begin in range(0, count, AT_ONCE):
        await asyncio.gather(*(one(begin + number) for number in range(AT_ONCE)))
    await asyncio.sleep(0.01)
    assert store.find("nobody has this") is None  # looking drops what has expired
    gc.collect()


async def main() -> None:
    """Run it."""
    ui.settings.retain = 0.001
    await many(AT_ONCE)  # imports and caches
    tracemalloc.start()
    tasks, files = len(asyncio.all_tasks()), descriptors()
    memory, _ = tracemalloc.get_traced_memory()
    before, begin = time.process_time(), time.monotonic()
    await many(STREAMS)
    used, seconds = time.process_time() - before, time.monotonic() - begin
    left = (tracemalloc.get_traced_memory()[0] - memory) / 1e6
    name = f"{STREAMS:,} short streams"
    checks = [
        Check(f"{name}: tasks left", len(asyncio.all_tasks()) - tasks, 0, ""),
        Check(f"{name}: descriptors left", descriptors() - files, 0, ""),
        Check(f"{name}: streams left", len(store), 0, ""),
        Check(f"{name}: runs left", len(runs), 0, ""),
        Check(f"{name}: memory left", left, 1, "MB"),
    ]
    Outcome(name, checks, seconds, used).say()


if __name__ == "__main__":
    asyncio.run(main())
