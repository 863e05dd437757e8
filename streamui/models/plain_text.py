"""Any iterable of strings as model events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streamui.errors import ModelError
from streamui.models.events import Finish, ModelEvent
from streamui.models.parts import TextPart


class PlainTextDialect:
    """Translates strings; the end of the iterable is the end of the answer."""

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self._part: TextPart | None = None

    def feed(self, item: Any) -> Iterator[ModelEvent]:
        """Translate one string; see :meth:`~streamui.models.dialect.Dialect.feed`."""
        if not isinstance(item, str):
            raise ModelError(
                f"an item of type {type(item).__name__} among the strings", code="malformed"
            )
        if self._part is None:
            self._part = TextPart("0")
            yield from self._part.begin("")
        yield from self._part.write(item, "")

    def finish(self) -> Iterator[ModelEvent]:
        """End the answer; see :meth:`~streamui.models.dialect.Dialect.finish`."""
        yield from self.close_parts()
        yield Finish("stop")

    def close_parts(self) -> Iterator[ModelEvent]:
        """End the text; see :meth:`~streamui.models.dialect.Dialect.close_parts`."""
        part, self._part = self._part, None
        if part is not None:
            yield from part.end("")
