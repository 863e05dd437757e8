"""What a response writes next, and how to wait for it: of a streamable, or of an async iterable."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable
from typing import Any, cast

from streamui.http.bell import Bell
from streamui.http.forms import Form, Record, parts_of
from streamui.models.failures import as_model_error
from streamui.settings import settings
from streamui.streamable.failure import INTERRUPTED, Failure, words_for_log
from streamui.streamable.log import Change, Log, Status

logger = logging.getLogger("streamui")
_PIECE = 65_536  # characters or items of one record; more of them go in several


class Feed(ABC):
    """Where a response gets what it writes; used by one task, and only as fast as that.

    Args:
        form: What writes it.
        bell: Rung when there is more.
    """

    ended = False
    """Whether the end has been taken."""

    def __init__(self, form: Form, bell: Bell) -> None:
        self._form, self._bell = form, bell

    @abstractmethod
    def take(self) -> list[bytes | None]:
        """Return what there is now, written; ``None`` stands for breaking off."""

    @abstractmethod
    async def wait(self, seconds: float) -> bool:
        """Wait until there is more; the client has taken what came before.

        Args:
            seconds: How long at most.

        Returns:
            Whether there may be.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of whatever feeds it."""


class LogFeed(Feed):
    """A streamable from an offset on; what comes while the client is slow is merged.

    Args:
        form: What writes it.
        bell: Rung by whoever writes the streamable.
        log: Its content.
        offset: What the client has.
    """

    def __init__(self, form: Form, bell: Bell, log: Log, offset: int) -> None:
        super().__init__(form, bell)
        self._log = log
        self._offset: int = offset
        self._asked = offset
        self._more = False  # what was taken is not all there was
        self._due = 0.0
        log.listen(bell.ring)

    def take(self) -> list[bytes | None]:
        """Return what came after the offset, and the end if that has come."""
        change = self._log.read(self._offset, _PIECE)
        self._offset = change.offset
        records = self._records(change)
        # On a common grid, so that all clients share one wake-up; but the first words need not
        # wait because the emptiness before them was sent.
        if records and change.content != "":
            interval, now = settings.frame_interval, asyncio.get_running_loop().time()
            self._due = (now // interval + 1) * interval if interval else 0.0
        return [self._form.record(record) for record in records]

    async def wait(self, seconds: float) -> bool:
        """Wait for a write, and no less than ``settings.frame_interval`` since the last."""
        if self._more:
            return True
        rung = await self._bell.wait(seconds)
        if rung:
            await self._bell.sleep(self._due - asyncio.get_running_loop().time())
        return rung

    async def close(self) -> None:
        """Stop listening; the streamable and its run are none of a client's business."""
        self._log.unlisten(self._bell.ring)

    def _records(self, change: Change) -> list[Record]:
        asked, self._asked = self._asked, 0
        self.ended = change.status != "streaming"
        offset = change.offset - self.ended  # the end counts one
        said: dict[str, Any] = {}
        if change.kind == "nothing":
            if asked > change.offset:  # it has got something, and there is nothing
                said = {"reset": True}
        elif change.kind == "snapshot":
            said = {"value": change.content}
            if asked:
                said["reset"] = True
        else:
            said = {change.kind: change.content}
        self._more = not self.ended and self._log.offset > change.offset and bool(said)
        records = [Record({"offset": offset, **said}, offset=offset)] if said else []
        if self.ended:
            records.append(end_record(change.status, change.failure, change.offset))
        return records


class ItemFeed(Feed):
    """An async iterable, advanced when the client has taken what came before.

    A task of its own reads it from beginning to end, so that its context and its time limits
    are its own, and signs of life go out while it is slow.

    Args:
        form: What writes it.
        bell: Rung when it has yielded.
        items: What to read; closed when it has ended or the client is gone.
    """

    def __init__(self, form: Form, bell: Bell, items: AsyncIterable[Any]) -> None:
        super().__init__(form, bell)
        self._items = items
        self._ready: list[bytes | None] = []
        self._turns = asyncio.Semaphore(0)  # how many items the client wants
        self._waits = False  # it wants one, which is on its way
        self._begun = self._over = self._closing = False
        self._task = asyncio.create_task(self._read())

    def take(self) -> list[bytes | None]:
        """Return the item that has come, if one has."""
        ready, self._ready = self._ready, []
        self._waits = self._waits and not ready
        self.ended = self._over
        return ready

    async def wait(self, seconds: float) -> bool:
        """Wait for the next item."""
        if not self._waits:
            self._waits = True
            self._turns.release()
        return await self._bell.wait(seconds)

    async def close(self) -> None:
        """Stop reading and close the iterable, if it is not at its end."""
        self._closing = True
        self._task.cancel()
        await asyncio.wait([self._task], timeout=settings.stop_grace)
        if not self._begun:
            await _let_go(self._items)

    async def _read(self) -> None:
        status: Status = "done"
        failure: Failure | None = None
        iterator: Any = None
        self._begun = True
        try:
            await self._turns.acquire()
            iterator = aiter(self._items)
            async for item in iterator:
                for part in parts_of(item, _PIECE):
                    if written := self._form.item(part):
                        self._ready.append(written)
                        self._bell.ring()
                        await self._turns.acquire()
            if rest := self._form.rest():
                self._ready.append(rest)
        except asyncio.CancelledError:
            status, failure = "interrupted", INTERRUPTED
            if self._closing:
                raise
        except Exception as cause:  # any: it is the user's, or a provider's
            error = as_model_error(cause) or cause
            status, failure = "error", Failure.of(error)
            words = words_for_log(error)
            logger.error("A response's source failed [%s]: %s", failure.reference, words)
        finally:
            await _let_go(iterator)
            await _let_go(self._items)
        self._ready.append(self._form.record(end_record(status, failure)))
        self._over = True
        self._bell.ring()


def end_record(status: Status, failure: Failure | None, offset: int | None = None) -> Record:
    """Return the record of how a stream has ended.

    Args:
        status: How.
        failure: Why, where there is a reason.
        offset: The offset of the end, for a streamable.
    """
    content: dict[str, Any] = {} if offset is None else {"offset": offset}
    content["status"] = status
    if failure is not None:
        content["error"] = failure.as_json()
    return Record(content, event=status, offset=offset)


async def _let_go(source: Any) -> None:
    """Close something that was read, if it can be closed."""
    close = getattr(source, "aclose", None) or getattr(source, "close", None)
    if close is None:
        return
    try:
        closing = close()
        if hasattr(closing, "__await__"):
            await closing
    except Exception as error:  # closing is the end of the road
        kind = cast("object", source).__class__.__name__
        logger.warning("Closing a %s failed: %s", kind, words_for_log(error))
