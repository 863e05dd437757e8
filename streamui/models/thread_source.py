"""A provider's blocking stream, read in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

from streamui.models.body import check_kind, hang_up, response_of, strip_bom
from streamui.models.source import AHEAD, Source


class ThreadSource(Source):
    """Reads a blocking stream, a context manager of one, or a function's, in a thread."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._thread: threading.Thread | None = None
        self._room = threading.Semaphore(AHEAD)
        self._response: Any | None = None

    def _started(self) -> bool:
        return self._thread is not None

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._pump, name="streamui model stream", daemon=True
            )
            self._thread.start()

    def _stop(self) -> None:
        self._start()  # One that was never read is closed in its thread as well.
        self._room.release()
        if self._response is not None:
            hang_up(self._response)

    def _make_room(self) -> None:
        self._room.release()

    def _pump(self) -> None:
        error: BaseException | None = None
        try:
            with ExitStack() as stack:
                for item in self._open(stack):
                    self._room.acquire()
                    if self._cancelled:
                        break
                    self._tell(self._put, item)
        except Exception as raised:  # any: it is the consumer's to judge
            error = raised
        self._response = None
        self._tell(self._finish, error)

    def _open(self, stack: ExitStack) -> Iterator[object]:
        stream = self._stream
        if not hasattr(stream, "__iter__"):
            if self._cancelled:
                return iter(())
            stream = stack.enter_context(stream) if hasattr(stream, "__enter__") else stream()
        stack.callback(_close, stream)
        self.opened = stream
        response = response_of(stream)
        if response is not None:
            self.plain = False
            check_kind(response)
            strip_bom(response)
            self._response = response
        # Only now: a stop that came earlier found no response to hang up.
        return iter(()) if self._cancelled else iter(stream)

    def _tell(self, what: Any, value: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # The loop is closed: nobody listens any more.
            self._loop.call_soon_threadsafe(what, value)


def _close(stream: Any) -> None:
    close = getattr(stream, "close", None)
    if close is not None:
        close()
