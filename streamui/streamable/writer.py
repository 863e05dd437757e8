"""Turning what a producer writes into the smallest change that says it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, cast

from streamui.errors import LimitError, StreamTypeError
from streamui.settings import settings
from streamui.streamable.json_value import clean_text, to_json
from streamui.streamable.log import UNSET, Log
from streamui.streamable.patch import diff, same
from streamui.streamable.room import check_items, check_piece, check_value


class Writer:
    """Writes into a log what a streamable is told.

    Args:
        log: The stream's content.
    """

    __slots__ = ("_half", "log", "original")

    def __init__(self, log: Log) -> None:
        self.log = log
        log.last_write = time.monotonic()
        self.original: object = UNSET  # the model that was given, which .value gives back
        self._half = ""  # the first half of a surrogate pair, until the other half comes

    def set(self, value: Any) -> None:
        """Replace the value, as an append or as patches where that says the same.

        Args:
            value: What :func:`to_json` takes.

        Raises:
            NotJSONError: If it does not take it.
            LimitError: If it is too large.
        """
        new, old = to_json(value), self.log.own_value
        grows = isinstance(old, str) and isinstance(new, str) and new.startswith(old)
        size = 0 if grows else check_value(new)
        now = time.monotonic()
        if now - self.log.last_write > settings.stall_after:
            self.log.count_stall(now)
        self.log.last_write = now
        self._half = ""
        # A copy of plain JSON is as good as the original; a model is given back as it was.
        plain = value is None or isinstance(value, str | int | float | list | tuple | dict)
        self.original = UNSET if plain else value
        if old is UNSET:
            self.log.set(new, size)
        elif grows:
            if len(new) > len(old):
                self.log.append_text(new[len(old) :])
        elif isinstance(old, list | dict) and (patches := diff(old, new)) is not None:
            if len(patches) == 1 and patches[0][:2] == [[], "+"]:
                self.log.append_items(patches[0][2])
            elif patches:
                check_piece(size)
                self.log.patch(patches, size)
        elif not same(old, new):
            self.log.set(new, size)

    def append(self, piece: Any) -> None:
        """Add text to text, or items to a list; on an unset value, set it.

        Args:
            piece: See :meth:`StreamableValue.append`.

        Raises:
            StreamTypeError: If it does not fit.
            NotJSONError: If it is not JSON.
            LimitError: If the value is too large with it.
        """
        log = self.log
        now = time.monotonic()
        if now - log.last_write > settings.stall_after:
            log.count_stall(now)
        log.last_write = now
        if log.is_text and isinstance(piece, str):
            if self._half or not piece.isascii():
                piece = self._whole(piece)
            if piece:
                log.append_text(piece)
            return
        value = log.own_value
        if value is UNSET:
            if isinstance(piece, str):
                text = self._whole(piece)
                log.set(text, check_value(text))
            else:
                self.set(piece)
        elif isinstance(value, list):
            items = to_json(piece)
            items = cast("list[Any]", items) if isinstance(items, list) else [items]
            log.append_items(items, check_items(items))
            self.original = UNSET
        else:
            have, got = type(value).__name__, type(piece).__name__
            raise StreamTypeError(
                f".append(): cannot append {got} to {have}; "
                "append text to text or items to a list, or use .update()"
            )

    def flush(self) -> None:
        """Write what was held back, because nothing more will come."""
        if self._half:
            self._half = ""
            with suppress(LimitError):
                self.log.append_text("\ufffd")

    def _whole(self, piece: str) -> str:
        """Keep a surrogate pair together that a provider split between two chunks."""
        text, self._half = self._half + piece, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return clean_text(text)
