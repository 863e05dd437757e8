"""The network between browsers and a site, for tests without an event loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Self

from tests.proxy import Proxy


class Network:
    """A proxy that works in a thread of its own.

    Args:
        targets: As for :class:`tests.proxy.Proxy`.
        port: Where it listens; anywhere by default.
    """

    def __init__(self, targets: Callable[[], list[int]], port: int = 0) -> None:
        self._proxy = Proxy(targets, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network")

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._proxy.__aenter__(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._proxy.__aexit__(), self._loop).result(10)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def cut(self) -> None:
        """Cut every connection."""
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def lose(self) -> None:
        """Cut every browser off; the servers hear nothing of it."""
        self._loop.call_soon_threadsafe(self._proxy.lose)
