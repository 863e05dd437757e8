"""What :func:`~streamui.models.stream_object.stream_object` returns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from streamui.models.generation import Generation
from streamui.models.model_stream import ModelStream
from streamui.models.object_form import NotThisFormError
from streamui.models.object_text import ObjectText
from streamui.streamable.log import UNSET

if TYPE_CHECKING:
    from streamui.streamable.value import StreamableValue

T = TypeVar("T")


class ObjectStream(ModelStream, Awaitable[T], Generic[T]):
    """An object that a model is writing; hold on to it, for it is stopped when it is dropped.

    ``async for`` gives what there is of it, again and again: JSON of which fields may still be
    missing and texts be short. Numbers and the items of a list at the root come when they are
    complete, and so does an enum. ``await`` gives the object, checked. Any number may do either,
    at any time, also after the end. Whatever waits for an answer that fails raises its
    :class:`~streamui.errors.ModelError`: an :class:`~streamui.errors.ObjectError` when it is not
    the object that was asked for; that of a stopped one
    :class:`~streamui.errors.StreamCancelledError`.

    Args:
        generation: The answer, under way.
        text: What becomes of its text.
    """

    def __init__(self, generation: Generation, text: ObjectText[T]) -> None:
        super().__init__(generation)
        self._text = text
        text.events = generation.telling.events

    # -- reading ------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[Any]:
        """Read what there is of it whenever that is more; a slow reader gets the newest."""
        return PartialReader(self, self._generation, self._text)

    def __await__(self) -> Generator[Any, Any, T]:
        """Wait for the object."""
        return self.object.__await__()

    @property
    def object(self) -> Awaitable[T]:
        """The object: an instance of what was asked for, checked, with its defaults."""
        return self._later(lambda: cast("T", self._text.result))

    @property
    def text(self) -> Awaitable[str]:
        """What the model wrote for it."""
        return self._later(lambda: self._text.raw)

    @property
    def elements(self) -> AsyncIterator[Any]:
        """The items of a list, each an instance, checked, as soon as it is complete.

        When one does not fit, the rest come when the model has corrected the list.

        Raises:
            TypeError: It is no list that was asked for.
        """
        if self._text.form.shape != "list":
            raise TypeError("only a list has elements: ask for list[…]")
        return self._read_elements()

    def into(self, streamable: StreamableValue[Any]) -> Self:
        """Keep a streamable at what there is of it, and at the object itself in the end.

        It does not end the streamable. What feeds a streamable goes on when it is dropped; a server
        function waits for it before it ends, and fails if it fails. A streamable that ends before
        it stops it.

        Args:
            streamable: Any; what it holds is replaced.

        Returns:
            This.

        Raises:
            StreamUIError: The streamable does not take what there is by now.
        """
        from streamui.models.object_feed import ObjectFeed

        feed = ObjectFeed(self._text, self._generation, streamable)
        if self._generation.ended.is_set() or self._text.result is not UNSET:
            feed.end()
        else:
            self._generation.feed(feed)
            self._generation.telling.endings.append(feed.end)
        return self

    async def _read_elements(self) -> AsyncIterator[Any]:
        number = 0
        async for partial in self:
            for item in partial[number:]:
                try:
                    element = self._text.form.read_item(item)
                except NotThisFormError:
                    break
                yield element
                number += 1
            else:
                continue
            break
        for element in cast("list[Any]", await self.object)[number:]:
            yield element


class PartialReader(AsyncIterator[Any]):
    """One reader of what there is of an object.

    Args:
        owner: Kept while there is somebody who reads.
        generation: The answer, under way.
        text: What becomes of its text.
    """

    def __init__(self, owner: object, generation: Generation, text: ObjectText[Any]) -> None:
        self._owner = owner
        self._generation = generation
        self._text = text
        self._version = 0

    async def __anext__(self) -> Any:
        """Wait until there is more."""
        text, ended = self._text, self._generation.ended
        while not ended.is_set():
            if self._version != text.version:
                return self._newest()
            if not text.has_more():
                await self._generation.telling.wait()
            elif left := text.pauses.left:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await ended.wait()
            else:
                with text.pauses:
                    text.read()
        text.read_end()
        if self._version != text.version:
            return self._newest()
        self._generation.check()
        raise StopAsyncIteration

    def _newest(self) -> Any:
        self._version = self._text.version
        return self._text.partial
