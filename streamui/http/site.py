"""What the app around the streams knows of itself: Reflex tells it, when it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def _nothing() -> Sequence[str]:
    return ()


def _here() -> str:
    return ""


def _none() -> int:
    return 0


class Site:
    """Where the streams are served, and for whose pages.

    Attributes:
        prefix: The path under which :func:`streamui.routes` serves them.
    """

    def __init__(self) -> None:
        self.prefix = "/streams"
        self._origins: Callable[[], Sequence[str]] = _nothing
        self._address: Callable[[], str] = _here
        self._proxies: Callable[[], int] = _none

    def use(
        self,
        *,
        origins: Callable[[], Sequence[str]],
        address: Callable[[], str],
        proxies: Callable[[], int] = _none,
    ) -> None:
        """Ask these from now on.

        Args:
            origins: Gives the origins whose pages may ask; ``*`` is all.
            address: Gives the backend's own, such as ``https://api.example.org``; ``""`` where
                pages come from the same.
            proxies: Gives how many proxies before it are trusted to say who asks.
        """
        self._origins, self._address, self._proxies = origins, address, proxies

    @property
    def origins(self) -> Sequence[str]:
        """The origins beside its own whose pages may ask."""
        return self._origins()

    @property
    def address(self) -> str:
        """What to put before a path."""
        return self._address().rstrip("/")

    @property
    def proxies(self) -> int:
        """How many proxies before it are trusted to say who asks."""
        return self._proxies()


site = Site()
"""The site in force."""
