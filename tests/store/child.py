"""Another process of the app, for tests: it runs some code, and lines go to and fro."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator

_PROLOGUE = """
import asyncio, pickle, sys
import streamui as ui
from streamui.store.store import store

def say(text):
    print(text, flush=True)

async def hear():
    return (await asyncio.to_thread(sys.stdin.readline)).strip()
"""


class Child:
    """A running process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 30)
        assert line, "the child has ended"
        return line.decode().rstrip("\n")

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        return await asyncio.wait_for(self._process.wait(), 30)


@contextlib.asynccontextmanager
async def child(code: str, url: str, **environment: str) -> AsyncIterator[Child]:
    """Run the body of a coroutine in a process of its own, whose store uses this Redis.

    Args:
        code: May use ``ui``, ``store``, ``say(line)`` and ``await hear()``.
        url: The address of Redis.
        environment: Settings of the child's own.
    """
    body = textwrap.indent(textwrap.dedent(code), "    ")
    source = f"{_PROLOGUE}\nasync def main():\n{body}\n\nasyncio.run(main())"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        source,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "STREAMUI_REDIS_URL": url, **environment},
    )
    try:
        yield Child(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        # Its pipes close in the loop's next turns.
        transport = process._transport  # pyright: ignore[reportAttributeAccessIssue]
        transport.close()
        await asyncio.sleep(0)
