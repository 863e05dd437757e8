"""How much may be open at once: of each page or client, and in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from streamui.errors import LimitError
from streamui.settings import settings

page_finders: list[Callable[[], str | None]] = []
"""Who may know the page that something is done for now; a page's row adds itself."""

_admits_all: ContextVar[bool] = ContextVar("streamui_admits_all", default=False)


class Quota:
    """Counts what is open at once, and refuses what is too much.

    Args:
        each: The setting that limits it for each page or client; 0 is no limit, here and there.
        in_all: The setting that limits it for the process.

    Attributes:
        refused: How often something was too much, by the setting.
    """

    def __init__(self, each: str, in_all: str) -> None:
        self._each, self._in_all = each, in_all
        self.refused = {each: 0, in_all: 0}
        self._owners: dict[str, int] = {}
        self._open = 0
        self._lock = threading.RLock()  # the garbage collector may end a stream

    def enter(self, owner: str) -> None:
        """Count one more.

        Args:
            owner: Whose; ``""`` is nobody's, and counts in all alone.

        Raises:
            LimitError: If there are too many already.
        """
        with self._lock:
            have = self._owners.get(owner, 0)
            if not _admits_all.get():
                try:
                    _check(self._in_all, self._open)
                    if owner:
                        _check(self._each, have)
                except LimitError as error:
                    self.refused[error.setting] += 1
                    raise
            self._owners[owner] = have + 1
            self._open += 1

    def leave(self, owner: str) -> None:
        """Count one less.

        Args:
            owner: As it entered.
        """
        with self._lock:
            left = self._owners.pop(owner) - 1
            if left:
                self._owners[owner] = left
            self._open -= 1

    def of(self, owner: str) -> int:
        """Return how many a page or client has."""
        return self._owners.get(owner, 0)

    def __len__(self) -> int:
        return self._open


def _check(setting: str, have: int) -> None:
    limit: int = getattr(settings, setting)
    if 0 < limit <= have:
        raise LimitError(setting, limit, retry_after=settings.client_retry)


@contextmanager
def admitting_all() -> Generator[None]:
    """Count meanwhile, but refuse nothing: a state's defaults must not keep its page away."""
    token = _admits_all.set(True)
    try:
        yield
    finally:
        _admits_all.reset(token)


def current_page() -> str:
    """Return the page that something is done for now; ``""`` if there is none."""
    return next((page for find in page_finders if (page := find())), "")


open_streams = Quota("streams_per_page", "streams_open")
"""The streams that are made in this process and have not ended."""
