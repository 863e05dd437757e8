"""What each way of speaking to a model has in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from streamui.models.events import ModelEvent


class Dialect(Protocol):
    """Turns what one provider's stream yields into model events."""

    complete: bool
    """Whether the provider has said that the answer is whole; what breaks later is no loss."""

    over: bool
    """Whether nothing that matters can follow, so that waiting for the end is pointless."""

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one item.

        Args:
            item: What the stream yielded.

        Yields:
            Its events.

        Raises:
            ModelError: The item says that the provider failed, or says nothing readable.
        """
        ...

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer, once the stream has ended by itself or ``over`` is set.

        Yields:
            What is left to say, the finish last.

        Raises:
            ModelError: ``truncated``: the provider had not come to its end.
        """
        ...

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the parts that are open, because the stream broke.

        Yields:
            One end for each.
        """
        ...
