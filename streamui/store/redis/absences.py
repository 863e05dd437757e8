"""What is missing in Redis, and since when it has been."""

from __future__ import annotations

from collections.abc import Iterable

from streamui.settings import settings


class Absences:
    """Tells what is gone for good from what is missing for a moment.

    Something is gone when it was missing whenever somebody looked, for half of
    ``settings.lease``. Redis that comes back after a while has no leases: those who are alive
    need a moment to renew theirs. So time in which nobody could look does not count.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._looked = 0.0

    def note(self, missing: Iterable[str], asked: float, heard: float) -> set[str]:
        """Take note of what is missing, and return what of it is gone.

        Args:
            missing: All that is missing now.
            asked: When Redis was asked, in seconds.
            heard: When it answered.
        """
        patience = settings.lease / 2
        if heard - self._looked > patience / 2:
            self._since.clear()
        self._looked = heard
        self._since = {key: self._since.get(key, heard) for key in missing}
        return {key for key, since in self._since.items() if asked - since >= patience}
