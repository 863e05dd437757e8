"""Browser tabs without a browser: see tests/js/tabs.mjs."""

import asyncio
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
NODE = Path(sys.executable).parent / "node"
DRIVER = ROOT / "tests" / "js" / "tabs.mjs"


class Tabs:
    """A process of Node with any number of tabs.

    Args:
        heard: Called with a tab's name and what it now shows of a stream, for watched tabs.
    """

    def __init__(self, heard: Callable[[str, dict[str, Any]], object] = lambda *_: None) -> None:
        self._heard = heard
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()

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
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        line = json.dumps([tab, command, argument, number])
        self._process.stdin.write(f"{line}\n".encode())
        try:
            return await answer
        finally:
            del self._answers[number]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break  # it was ended in the middle of a line
            tab, said, *number = json.loads(line)
            if not number:
                self._heard(tab, said)
            elif (answer := self._answers.get(number[0])) and not answer.done():
                answer.set_result(said)  # else whoever asked has gone
        for answer in self._answers.values():
            answer.set_exception(RuntimeError("the tabs' process has ended"))
