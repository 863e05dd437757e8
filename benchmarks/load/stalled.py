"""100 readers of a busy stream that never read, beside one that does."""

import asyncio
import json
import socket
import time

import httpx

from benchmarks.load.outcome import Outcome, resident
from benchmarks.load.pieces import LENGTH, Delays
from benchmarks.load.servers import event_streams
from benchmarks.targets import Check

READERS, SECONDS = 100, 10


def stalled(host: str, port: int, path: str) -> socket.socket:
    """Ask for a stream and never read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((host, port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    return connection


async def read(url: str, length: int) -> Delays:
    """Read a stream up to a length."""
    delays, seen = Delays(), 0
    async with httpx.AsyncClient(timeout=60) as client, client.stream("GET", url) as response:
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            record = json.loads(line.removeprefix("data: "))
            text = record.get("append") or record.get("value") or ""
            delays.hear(text, 0, time.time())
            seen += len(text)
            if seen >= length:
                break
    return delays


async def main() -> None:
    """Run it."""
    with event_streams() as server:
        about = httpx.get(server.url + "/about").json()
        host, _, port = server.url.removeprefix("http://").partition(":")
        delays: dict[str, Delays] = {}
        grown: dict[str, float] = {}
        used = 0.0
        connections: list[socket.socket] = []
        for phase in ("alone", "beside"):
            if phase == "beside":
                path = f"/streams/{about['busy']}"
                connections = [stalled(host, int(port), path) for _ in range(READERS)]
            memory, before = resident(about["process"]), server.cpu()
            length = SECONDS * 20 * LENGTH * (1 if phase == "alone" else 2)
            reading = asyncio.create_task(read(f"{server.url}/streams/{about['small']}", length))
            async with httpx.AsyncClient(timeout=60) as client:
                await client.get(f"{server.url}/write", params={"seconds": SECONDS})
            delays[phase] = await reading
            grown[phase] = resident(about["process"]) - memory
            used = server.cpu() - before
        for connection in connections:
            connection.close()
    name = f"{READERS} readers that never read"
    each = (grown["beside"] - grown["alone"]) / READERS
    # What was written before the readers came is old by then: only what came after counts.
    p99 = {phase: heard.percentile(0.99) for phase, heard in delays.items()}
    late = delays["beside"].newest(SECONDS * 20).percentile(0.99) - p99["alone"]
    checks = [
        Check(f"{name}: memory for each", each, 1, "MB"),
        Check(f"{name}: p99 of another reader, more than without them", late, 50, "ms"),
    ]
    Outcome(name, checks, SECONDS, used).say()


if __name__ == "__main__":
    asyncio.run(main())
