"""What the answers that a model writes have in common, whatever is read of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from streamui.models.events import FinishReason, ToolCall, Usage
from streamui.models.generation import Generation
from streamui.models.steps import Step
from streamui.models.text_result import ModelResponse
from streamui.models.tool_approvals import Answer

T = TypeVar("T")


class ModelStream:
    """An answer that a model is writing; hold on to it, for it is stopped when it is dropped.

    Args:
        generation: The answer, under way.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    @property
    def usage(self) -> Awaitable[Usage | None]:
        """What all steps cost; ``None`` when the provider did not say."""
        return self._later(lambda: self._generation.result.usage)

    @property
    def finish_reason(self) -> Awaitable[FinishReason | None]:
        """Why the model stopped."""
        return self._later(lambda: self._generation.result.finish_reason)

    @property
    def steps(self) -> Awaitable[list[Step]]:
        """Each call of the model, with what its tools gave."""
        return self._later(lambda: self._generation.result.steps)

    @property
    def tool_calls(self) -> Awaitable[list[ToolCall]]:
        """The tool calls of all steps."""
        return self._later(lambda: self._generation.result.tool_calls)

    @property
    def response(self) -> Awaitable[ModelResponse]:
        """The messages to append to the history, and the provider's id of the last response."""
        return self._later(lambda: self._generation.result.response)

    @property
    def cursor(self) -> tuple[str, int] | None:
        """Where a background response has been read to, see :meth:`ModelEvents.cursor`."""
        return self._generation.cursor

    # -- steering -----------------------------------------------------------------------

    def approve(self, call_id: str) -> bool:
        """Let a tool run that waits for approval; from any thread.

        Args:
            call_id: The ``id`` of the ``tool-approval`` event.

        Returns:
            Whether it waited.
        """
        return self._generation.approvals.answer(call_id, Answer(True))

    def deny(self, call_id: str, reason: str = "") -> bool:
        """Keep a tool from running that waits for approval; from any thread.

        Args:
            call_id: The ``id`` of the ``tool-approval`` event.
            reason: What the model is told.

        Returns:
            Whether it waited.
        """
        return self._generation.approvals.answer(call_id, Answer(False, reason))

    def stop(self) -> None:
        """Stop the model and its tools; any number of times, from any thread."""
        self._generation.stop()

    async def leave(self) -> tuple[str, int] | None:
        """Stop it here, and let a background response be written on by its provider.

        Returns:
            The cursor, with which :func:`~streamui.models.resume.resume` goes on; ``None`` when
            there is nothing to come back for.
        """
        return await self._generation.leave()

    async def aclose(self) -> None:
        """Stop it, and wait until no task and no connection of it is left."""
        await self._generation.aclose()

    async def __aenter__(self) -> Self:
        """Nothing to do: it is under way."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop it, and wait until nothing of it is left."""
        await self.aclose()

    def __del__(self) -> None:
        """Stop it: nobody can read it any more."""
        generation: Generation | None = getattr(self, "_generation", None)
        if generation is not None and not generation.feeds:
            generation.stop()

    def _later(self, get: Callable[[], T]) -> Later[T]:
        return Later(self, self._generation, get)


class Reader(AsyncIterator[T]):
    """One reader of what a generation tells, from the beginning.

    Args:
        owner: Kept while there is somebody who reads.
        generation: Who tells.
        items: What it tells: a list that grows.
    """

    def __init__(self, owner: object, generation: Generation, items: list[T]) -> None:
        self._owner: object = owner
        self._generation = generation
        self._items = items
        self._at = 0

    async def __anext__(self) -> T:
        """Wait for the next."""
        at = self._at
        while at >= len(self._items):
            if self._owner is None:
                raise StopAsyncIteration
            if self._generation.ended.is_set():
                self._generation.check()
                raise StopAsyncIteration
            await self._generation.telling.wait()
        self._at = at + 1
        return self._items[at]

    async def aclose(self) -> None:
        """Read no more, and need the answer no more."""
        self._owner, self._items, self._at = None, [], 0


class Later(Awaitable[T], Generic[T]):
    """Something that is known at the end of a generation; can be awaited any number of times.

    Args:
        owner: Kept while there is somebody who may wait.
        generation: What has to end.
        get: Gives it then.
    """

    def __init__(self, owner: object, generation: Generation, get: Callable[[], T]) -> None:
        self._owner = owner
        self._generation = generation
        self._get = get

    def __await__(self) -> Generator[Any, Any, T]:
        """Wait for the end."""
        return self._wait().__await__()

    async def _wait(self) -> T:
        await self._generation.ended.wait()
        self._generation.check()
        return self._get()
