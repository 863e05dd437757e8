"""Browser tabs without a browser: see tests/js/tabs.mjs."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
NODE = Path(sys.executable).parent / "node"
DRIVER = ROOT / "tests" / "js" / "tabs.mjs"
GONE = object()


class Tabs:
    """A process of Node with any number of tabs.

    Args:
        heard: Called with a tab's name and what it now shows of a stream, for watched tabs.
    """

    def __init__(self, heard: Callable[[str, dict[str, Any]], object] = lambda *_: None) -> None:
        self._heard = heard
        self._answers: dict[str, asyncio.Queue[Any]] = {}

    async def __aenter__(self) -> Self:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            NODE, DRIVER, stdin=-1, stdout=-1, limit=2**26
        )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every tab."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading

    async def __call__(self, tab: str, command: str, argument: Any = None) -> Any:
        """Give a tab a command; return its answer."""
        assert self._process.stdin is not None
        answers = self._answers.setdefault(tab, asyncio.Queue())
        self._process.stdin.write((json.dumps([tab, command, argument]) + "\n").encode())
        answer = await answers.get()
        if answer is GONE:
            raise RuntimeError("the tabs' process has ended")
        return answer

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break  # it was ended in the middle of a line
            tab, said = json.loads(line)
            if isinstance(said, dict) and "at" in said:
                self._heard(tab, said)
            else:
                self._answers[tab].put_nowait(said)
        for answers in self._answers.values():
            answers.put_nowait(GONE)
