"""10,000 readers of an event stream in which nothing happens."""

import asyncio
import time

import httpx

from benchmarks.load.outcome import Outcome, descriptors, resident
from benchmarks.load.servers import event_streams
from benchmarks.targets import Check

READERS, AT_ONCE = 10_000, 200


async def reader(host: str, port: int, path: str) -> asyncio.StreamWriter:
    """Open one reader, and wait until it has got the headers."""
    incoming, outgoing = await asyncio.open_connection(host, port, limit=4096)
    outgoing.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    head = await incoming.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.partition(b"\r\n")[0], head
    return outgoing


async def main() -> None:
    """Run it."""
    with event_streams() as server:
        about = httpx.get(server.url + "/about").json()
        process, path = about["process"], f"/streams/{about['idle']}"
        host, _, port = server.url.removeprefix("http://").partition(":")
        first = await reader(host, int(port), path)
        memory, files = resident(process), descriptors(process)
        begin, before = time.monotonic(), server.cpu()
        readers = [first]
        while len(readers) < READERS:
            opening = (reader(host, int(port), path) for _ in range(AT_ONCE))
            readers += await asyncio.gather(*opening)
        used, seconds = server.cpu() - before, time.monotonic() - begin
        held = resident(process) - memory
        for outgoing in readers:
            outgoing.close()
        async with asyncio.timeout(60):
            while descriptors(process) > files - 1:
                await asyncio.sleep(0.1)
    name = f"{READERS:,} idle readers of an event stream"
    checks = [Check(f"{name}: memory of the server", held, 500, "MB")]
    Outcome(name, checks, seconds, used).say()


if __name__ == "__main__":
    asyncio.run(main())
