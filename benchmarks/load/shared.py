"""500 streams of 20 appends per second in one process, read in another through a real Redis."""

import asyncio
import json
import subprocess
import sys
import time

import streamui as ui
from benchmarks.load.outcome import Outcome
from benchmarks.load.pieces import LENGTH, Delays, write_at
from benchmarks.targets import Check
from streamui.store.redis.engine import RedisEngine
from streamui.store.store import store
from tests.store.redis_server import redis_server

STREAMS, RATE, SECONDS = 500, 20, 15


async def produce(url: str) -> None:
    """Make the streams, and say what the process that reads them found."""
    engine = RedisEngine(url)
    store.use(engine)
    streams = [ui.StreamableValue("") for _ in range(STREAMS)]
    for stream in streams:
        store.add(stream.id, stream.log)
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.load.shared", url, ",".join(stream.id for stream in streams)),
        stdout=subprocess.PIPE,
    )
    assert reader.stdout is not None
    await reader.stdout.readline()  # it has found them all
    before, begin = time.process_time(), time.monotonic() + 0.5
    writers = [write_at(RATE, RATE * SECONDS, begin, stream.append) for stream in streams]
    await asyncio.gather(*writers)
    for stream in streams:
        stream.done()
    used = time.process_time() - before
    found = json.loads(await reader.stdout.readline())
    await reader.wait()
    await engine.close()
    name = f"{STREAMS} streams, {RATE} appends/s each, through Redis"
    checks = [
        Check(f"{name}: p99 from append to a reader elsewhere", found["p99"], 150, "ms"),
        Check(f"{name}: characters lost", STREAMS * RATE * SECONDS * LENGTH - found["seen"], 0, ""),
        Check(f"{name}: pieces out of order", found["disorder"], 0, ""),
    ]
    Outcome(name, checks, SECONDS, used).say()


async def consume(url: str, names: list[str]) -> None:
    """Read the streams in this process."""
    engine = RedisEngine(url)
    store.use(engine)
    delays = Delays()
    logs = [await store.open(name) for name in names]
    print("ready", flush=True)
    readers = [read(name, delays) for name in names]
    seen = sum(await asyncio.gather(*readers))
    p99 = delays.percentile(0.99)
    print(json.dumps({"p99": p99, "seen": seen, "disorder": delays.disorder}), flush=True)
    assert all(log.status == "done" for log in logs)
    await engine.close()


async def read(name: str, delays: Delays) -> int:
    """Read a stream to its end; return how long it was."""
    seen = 0
    async for text in ui.read_streamable({"$stream": name}):
        delays.hear(text, seen)
        seen = len(text)
    return seen


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(consume(sys.argv[1], sys.argv[2].split(",")))
    else:
        with redis_server() as server:
            asyncio.run(produce(server.url))
