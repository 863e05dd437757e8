"""Keeps a streamable at what there is of an object."""

from __future__ import annotations

import asyncio
from typing import Any, Generic, TypeVar

from streamui.models.generation import Generation
from streamui.models.object_text import ObjectText, Pauses
from streamui.streamable.log import UNSET
from streamui.streamable.value import StreamableValue

T = TypeVar("T")


class ObjectFeed(Generic[T]):
    """Updates a streamable, so that what travels is what has changed.

    Args:
        text: What is written.
        generation: The answer, under way.
        streamable: Gets the partial object, and the object itself at the end.
    """

    def __init__(
        self, text: ObjectText[T], generation: Generation, streamable: StreamableValue[Any]
    ) -> None:
        self._text = text
        self._generation = generation
        self._streamable = streamable
        self._version = 0
        # Its own: it takes longer to find what has changed, and to copy it, than to parse.
        self._pauses = Pauses()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def status(self) -> str:
        """That of the streamable."""
        return self._streamable.status

    def append(self, piece: str) -> None:
        """Take notice that there is more text."""
        if self._timer is not None:
            return
        if left := self._pauses.left:
            self._timer = asyncio.get_running_loop().call_later(left, self._write_late)
        else:
            self._write()

    def end(self) -> None:
        """Write what is left to write, for nothing more comes."""
        if self._timer is not None:
            self._timer.cancel()
        text = self._text
        text.read_end()
        if self.status in ("cancelled", "interrupted"):
            return
        if text.result is not UNSET:
            self._streamable.update(text.form.shown(text.result))
        elif self._version != text.version:
            self._streamable.update(text.partial)

    def _write(self) -> None:
        text = self._text
        with self._pauses:
            text.read()
            if self._version != text.version:
                self._version = text.version
                self._streamable.update(text.partial)

    def _write_late(self) -> None:
        self._timer = None
        try:
            self._write()
        except Exception as error:  # it is closed, too large, or cannot be on a page
            self._generation.telling.refuse(self, error)
