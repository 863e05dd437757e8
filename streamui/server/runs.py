"""The runs that are under way, and the order in which they take turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Hashable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from weakref import WeakValueDictionary

from streamui.server.run import Run
from streamui.streamable.scope import current_scope


class Runs:
    """Every run of this process that has not ended, by page and function."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], list[Run]] = {}
        self._gates: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._idle: asyncio.Event | None = None  # what somebody waits for

    def add(self, run: Run) -> None:
        """Make a run known, so that it can be stopped."""
        self._runs.setdefault((run.page, run.name), []).append(run)

    def remove(self, run: Run) -> None:
        """Forget a run that has ended."""
        here = self._runs.get((run.page, run.name), [])
        if run in here:
            here.remove(run)
        if not here:
            self._runs.pop((run.page, run.name), None)
        if not self._runs and self._idle is not None:
            self._idle.set()

    def of(self, page: str, name: str) -> list[Run]:
        """Return the runs of one function on one page, oldest first."""
        return list(self._runs.get((page, name), ()))

    def stop(self, page: str, name: str) -> int:
        """Stop a function's calls on a page; those that wait for their turn only if none runs.

        Returns:
            How many were stopped.
        """
        here = self.of(page, name)
        chosen = [run for run in here if run.status == "running"] or here
        for run in chosen:
            run.stop()
        return len(chosen)

    async def wait_idle(self) -> None:
        """Wait until no run is under way."""
        while self._runs:
            self._idle = asyncio.Event()
            await self._idle.wait()

    def __iter__(self) -> Iterator[Run]:
        return iter([run for here in self._runs.values() for run in here])

    def __len__(self) -> int:
        return sum(map(len, self._runs.values()))

    def gate(self, run: Run, limit: int | None) -> AbstractAsyncContextManager[None]:
        """Return what lets at most ``limit`` runs of this function on this page through."""
        if limit is None:
            return nullcontext()
        key = (run.page, run.name)
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = asyncio.Semaphore(limit)
        return _waiting(run, gate)

    def turn(self, run: Run, key: Hashable | None) -> AbstractAsyncContextManager[None]:
        """Return what lets one run at a time through, in the order they came."""
        key = (run.page, run.name) if key is None else key
        if key in run.turns:
            raise RuntimeError(f"this call has the turn {key!r} already, and would wait for itself")
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        return _turn(run, lock, key)


@asynccontextmanager
async def _waiting(run: Run, gate: asyncio.Lock | asyncio.Semaphore) -> AsyncGenerator[None]:
    run.status = "waiting"
    try:
        await gate.acquire()
    finally:
        run.status = "running"
        run.show_life()
    try:
        yield
    finally:
        gate.release()


@asynccontextmanager
async def _turn(run: Run, lock: asyncio.Lock, key: Hashable) -> AsyncGenerator[None]:
    async with _waiting(run, lock):
        run.turns.add(key)
        try:
            yield
        finally:
            run.turns.discard(key)


runs = Runs()
"""The runs of this process."""


@asynccontextmanager
async def turn(key: Hashable | None = None) -> AsyncGenerator[None]:
    """Wait in a server function until the calls before it are through.

    Calls that share a key go one at a time, in the order in which they came here. What was
    shown before waiting stays shown, so a page can say that a question waits.

    Args:
        key: What is shared, such as a conversation's id; by default this function on this
            page.

    Raises:
        RuntimeError: If no server function runs here, or this one has the turn already.

    Example:
        async with ui.turn(self.conversation_id):
            status.update("thinking")
    """
    run = current_scope.get()
    if not isinstance(run, Run):
        raise RuntimeError("turn() is for the inside of a @server_function")
    async with runs.turn(run, key):
        yield
