"""1,000 streams of 20 appends per second in one process, each with a reader."""

import asyncio
import time

import streamui as ui
from benchmarks.load.outcome import Outcome
from benchmarks.load.pieces import LENGTH, Delays, write_at
from benchmarks.targets import Check

STREAMS, RATE, SECONDS = 1_000, 20, 15


async def read(stream: ui.StreamableValue[str], delays: Delays) -> int:
    """Read a stream to its end; return how long it was."""
    seen = 0
    async for text in ui.read_streamable(stream):
        delays.hear(text, seen)
        seen = len(text)
    return seen


async def main() -> None:
    """Run it."""
    delays = Delays()
    streams = [ui.StreamableValue("") for _ in range(STREAMS)]
    readers = [asyncio.create_task(read(stream, delays)) for stream in streams]
    before, begin = time.process_time(), time.monotonic() + 0.5
    writers = [write_at(RATE, RATE * SECONDS, begin, stream.append) for stream in streams]
    await asyncio.gather(*writers)
    for stream in streams:
        stream.done()
    seen = sum(await asyncio.gather(*readers))
    used = time.process_time() - before
    name = f"{STREAMS:,} streams, {RATE} appends/s each, in memory"
    checks = [
        Check(f"{name}: p99 from append to reader", delays.percentile(0.99), 100, "ms"),
        Check(f"{name}: characters lost", STREAMS * RATE * SECONDS * LENGTH - seen, 0, ""),
        Check(f"{name}: pieces out of order", delays.disorder, 0, ""),
    ]
    Outcome(name, checks, SECONDS, used).say()


if __name__ == "__main__":
    asyncio.run(main())
