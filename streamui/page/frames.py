"""The pages of this process, and the tick that sends each what it has not got."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from streamui.page import link
from streamui.page.page import Page, receiving
from streamui.page.wire import Op, broken, is_opening
from streamui.redaction import redacted_traceback
from streamui.settings import settings
from streamui.streamable.failure import Failure
from streamui.streamable.log import Log

logger = logging.getLogger("streamui")
_PATIENCE = 0.01  # seconds until a socket that is behind is looked at again
_FAREWELL = 0.5  # seconds for the last frames
_TURNS = 5  # of the event loop: the tick, the packet, its encoding, the queue, the writer


class Pages:
    """The pages of this process and the one tick that serves them.

    The first op after a pause leaves at once; while there is more, frames go out at common
    ticks, ``settings.frame_interval`` apart. The tick is a task that ends when nothing waits.
    """

    def __init__(self) -> None:
        self._pages: dict[str, Page] = {}
        self._waiting: dict[Page, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._task: asyncio.Task[None] | None = None
        self._rest: asyncio.Future[None] | None = None
        self._sweep_at = 64

    def current(self) -> Page | None:
        """Return the page that is being given something now, if there is one."""
        if (page := receiving.get()) is not None:
            return page
        token = link.current_token()
        return self.of(token) if token is not None else None

    def of(self, token: str) -> Page | None:
        """Return a page by its client token; ``None`` if it is not connected here."""
        sid = link.connection_of(token)
        page = self._pages.get(token)
        if page is not None and page.sid == sid:
            return page
        if page is not None:
            self._drop(page)
        if sid is None:
            return None
        self._enter_loop()
        page = self._pages[token] = Page(self, token, sid)
        if len(self._pages) > self._sweep_at:
            self._sweep()
        return page

    def _enter_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # the loop before, and its tick with it, is gone
            self._loop, self._thread = loop, threading.get_ident()
            self._waiting, self._task, self._rest = {}, None, None

    def hello(
        self,
        token: str,
        streams: Mapping[str, int],
        found: Mapping[str, Log | Failure],
        held: Iterable[str],
    ) -> None:
        """Hear from a page which streams it follows, and from where on it needs them.

        Args:
            token: Its client token.
            streams: Offsets by id.
            found: The content of each, or why the page cannot have it.
            held: Ended streams whose value it has.
        """
        page = self.of(token)
        if page is None:
            return
        for name in held:
            page.hold(name)
        for name, offset in streams.items():
            page.resume(name, offset, found[name])

    async def breathe(self, token: str) -> None:
        """Give the tick and the socket's writer a turn, if a page's frame is due.

        Args:
            token: Its client token.
        """
        page = self._pages.get(token)
        if page is None or page not in self._waiting:
            return
        if page.due <= asyncio.get_running_loop().time():
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def finish(self) -> None:
        """Give every page what waits for it, because the process ends; a slow one has a moment."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_FAREWELL)
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def in_loop(self) -> bool:
        """Return whether this is the thread of the event loop."""
        return threading.get_ident() == self._thread

    def call_in_loop(self, function: Any, *arguments: Any) -> None:
        """Call a function in the event loop's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def wake(self, page: Page) -> None:
        """Take note that a page has something to get."""
        self._waiting[page] = None
        assert self._loop is not None
        if self._task is None:
            # Not in the context of whoever wrote first: the tick belongs to nobody.
            self._task = self._loop.create_task(
                self._tick(), name="streamui-frames", context=contextvars.Context()
            )
        elif self._rest is not None and page.due <= self._loop.time():
            self._end_rest(self._rest)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                begun = loop.time()
                for page in [page for page in self._waiting if page.due <= begun]:
                    if page not in self._waiting:  # it has left while another one was served
                        continue
                    del self._waiting[page]
                    try:
                        await self._serve(page, loop)
                    except Exception as cause:  # the other pages must get theirs
                        await self._hang_up(page, cause)
                if self._waiting:
                    # A busy process ticks slower: no more than half its time goes to frames.
                    spent = loop.time() - begun
                    wake_at = max(begun + 2 * spent, min(page.due for page in self._waiting))
                    self._rest = loop.create_future()
                    timer = loop.call_at(wake_at, self._end_rest, self._rest)
                    await self._rest
                    self._rest = None
                    timer.cancel()
        finally:
            self._task = self._rest = None

    @staticmethod
    def _end_rest(rest: asyncio.Future[None]) -> None:
        if not rest.done():
            rest.set_result(None)

    async def _serve(self, page: Page, loop: asyncio.AbstractEventLoop) -> None:
        if link.connection_of(page.token) != page.sid:
            self._drop(page)
            return
        interval = settings.frame_interval
        # On a common grid, so that all streaming pages share one wake-up.
        page.due = (loop.time() // interval + 1) * interval if interval else 0.0
        if link.queued(page.sid) > settings.queue_limit:
            self._waiting[page] = None  # its socket is behind: let the ops merge
            page.due = max(page.due, loop.time() + _PATIENCE)
            return
        if not (frame := page.frame()):
            return
        if all(map(is_opening, frame.values())):
            page.due = 0.0  # nothing to see yet: the first content must not wait behind it
        receiving.set(page)
        try:
            await link.send_frame(page.sid, frame)
        except Exception:  # something in it cannot be written; what else is in it must arrive
            for alias, op in frame.items():
                await self._send_alone(page, alias, op)
        finally:
            receiving.set(None)

    async def _send_alone(self, page: Page, alias: str, op: Op) -> None:
        try:
            await link.send_frame(page.sid, {alias: op})
        except Exception as cause:
            failure = Failure.of(cause)
            words = redacted_traceback(cause)
            logger.error("A stream could not be sent [%s]: %s", failure.reference, words)
            page.give_up(alias)
            await link.send_frame(page.sid, {alias: broken(op, failure)})

    async def _hang_up(self, page: Page, cause: Exception) -> None:
        """Let go of a page that cannot be served; it comes back and says what it has."""
        logger.error("A page could not be served: %s", redacted_traceback(cause))
        self._drop(page)
        try:
            await link.hang_up(page.sid)
        except Exception:  # its connection is what cannot be used
            logger.debug("a page's connection could not be closed", exc_info=True)

    def _drop(self, page: Page) -> None:
        page.leave()
        self._waiting.pop(page, None)
        if self._pages.get(page.token) is page:
            del self._pages[page.token]

    def _sweep(self) -> None:
        for page in list(self._pages.values()):
            if link.connection_of(page.token) != page.sid:
                self._drop(page)
        self._sweep_at = 64 + 2 * len(self._pages)

    def __len__(self) -> int:
        return len(self._pages)


pages = Pages()
"""The pages of this process."""
