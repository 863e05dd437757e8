"""The end of a process: nothing new begins, what runs gets its time, readers come back later."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

from streamui.errors import RestartingError
from streamui.redaction import redacted_traceback
from streamui.server.runs import runs
from streamui.settings import settings

logger = logging.getLogger("streamui")
_HURRY = 0.5  # seconds that runs have to clean up when somebody waits for the end


class Draining:
    """Ends what this process does, in order, before its server cuts the connections.

    New runs are refused. Those under way have ``settings.drain`` seconds; what is left then ends
    as ``interrupted``. Then the pages get their last frames, and responses are closed without an
    end of their stream, so that clients come back for the rest.

    Attributes:
        begun: Whether it has begun.
        hurried: Whether runs get no time any more, because somebody waits for the end.
        last: Called and waited for when the runs have ended.
        closing: Called after that.
    """

    def __init__(self) -> None:
        self.begun = self.hurried = False
        self.last: list[Callable[[], Awaitable[None]]] = []
        self.closing: list[Callable[[], None]] = []
        self._work: asyncio.Task[None] | None = None
        self._delivery: asyncio.Task[None] | None = None
        self._limit: asyncio.Timeout | None = None
        self._interrupts = 0

    def reset(self) -> None:
        """Begin a life: whatever was drained before is forgotten."""
        self.begun = self.hurried = False
        self._work = self._delivery = self._limit = None
        self._interrupts = 0

    def check(self) -> None:
        """Refuse something new if the end has begun.

        Raises:
            RestartingError: If it has.
        """
        if self.begun:
            raise RestartingError("the process is about to end and begins nothing new")

    async def drain(self) -> None:
        """Do it, and return when it is done; harmless twice."""
        if self._work is None:
            self.begun = True
            self._work = asyncio.create_task(self._drain(), name="streamui-drain")
        await asyncio.shield(self._work)

    def hear(self, number: int, deliver: Callable[[], object]) -> None:
        """Take a signal that asks the process to end; call it in the event loop.

        The second Ctrl-C does not wait any longer.

        Args:
            number: The signal's.
            deliver: Gives it to the server, when all is drained.
        """
        # One Ctrl-C comes from the terminal, and as another signal from a server's main process.
        self._interrupts += number == signal.SIGINT
        if self._delivery is None:
            logger.info("Asked to end; %d runs are under way.", len(runs))
            self._delivery = asyncio.create_task(self._deliver(deliver), name="streamui-signal")
        elif self._delivery.done():
            deliver()
        elif self._interrupts > 1:
            self.hurry()

    def hurry(self) -> None:
        """Give runs no more time."""
        self.hurried = True
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def _deliver(self, deliver: Callable[[], object]) -> None:
        try:
            await self.drain()
        finally:
            deliver()

    async def _drain(self) -> None:
        if not await self._idle_within(0 if self.hurried else settings.drain):
            for run in runs:
                run.interrupt()
            await self._idle_within(_HURRY if self.hurried else settings.stop_grace)
        for show in self.last:
            try:
                await show()
            except Exception as cause:  # what comes after must be closed all the same
                logger.error("What comes last failed: %s", redacted_traceback(cause))
        for close in self.closing:
            close()

    async def _idle_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds) as self._limit:
                await runs.wait_idle()
        except TimeoutError:
            return False
        finally:
            self._limit = None
        return True


draining = Draining()
"""The end of this process."""
