"""100 Reflex sessions on real sockets, each with an answer of 20 appends per second."""

import asyncio
from typing import Any

from benchmarks.load.outcome import Outcome
from benchmarks.load.pieces import LENGTH, Delays
from benchmarks.load.servers import backend
from benchmarks.targets import Check
from tests.js.tabs import Tabs

SESSIONS, RATE, SECONDS = 100, 20, 15
RUN = "reflex___state____state.benchmarks___load___app___sessions____session.run"


async def main() -> None:
    """Run it."""
    delays, seen, ended = Delays(), dict[str, int](), set[str]()

    def hear(tab: str, said: dict[str, Any]) -> None:
        delays.hear(said["text"], 0, said["at"])
        seen[tab] = said["from"] + len(said["text"])
        if said["status"] != "streaming" and seen[tab]:
            ended.add(tab)

    names = [f"tab {number}" for number in range(SESSIONS)]
    with backend() as server:
        async with Tabs(hear) as tabs:
            for name in names:
                await tabs(name, "open", {"url": server.url, "token": name, "watch": True})
            for name in names:
                while not await tabs(name, "connected"):
                    await asyncio.sleep(0.05)
            before = server.cpu()
            for name in names:
                event = [RUN, {"rate": RATE, "count": RATE * SECONDS}]
                await tabs(name, "event", event)
            async with asyncio.timeout(4 * SECONDS):
                while len(ended) < SESSIONS:
                    await asyncio.sleep(0.1)
            used = server.cpu() - before
    name = f"{SESSIONS} Reflex sessions, {RATE} appends/s each"
    lost = SESSIONS * RATE * SECONDS * LENGTH - sum(seen.values())
    checks = [
        Check(f"{name}: p99 from append to page", delays.percentile(0.99), 150, "ms"),
        Check(f"{name}: characters lost", lost, 0, ""),
        Check(f"{name}: pieces out of order", delays.disorder, 0, ""),
    ]
    Outcome(name, checks, SECONDS, used).say()


if __name__ == "__main__":
    asyncio.run(main())
