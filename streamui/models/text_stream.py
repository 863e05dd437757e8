"""What :func:`~streamui.models.stream_text.stream_text` returns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Generator
from typing import TYPE_CHECKING, Any, Self

from streamui.models.events import ModelEvent
from streamui.models.model_stream import ModelStream, Reader

if TYPE_CHECKING:
    from streamui.streamable.value import StreamableValue


class TextStream(ModelStream, Awaitable[str]):
    """A text that a model is writing; hold on to it, for it is stopped when it is dropped.

    ``async for`` gives its events, ``await`` its text; any number may do either, at any time, also
    after the end, each from the beginning. Whatever waits for an answer that fails raises its
    :class:`~streamui.errors.ModelError`; that of a stopped one
    :class:`~streamui.errors.StreamCancelledError`.

    Args:
        generation: The answer, under way.
    """

    def __aiter__(self) -> AsyncIterator[ModelEvent]:
        """Read the events from the first on."""
        return Reader(self, self._generation, self._generation.telling.events)

    def __await__(self) -> Generator[Any, Any, str]:
        """Wait for the whole text."""
        return self.text.__await__()

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The text in pieces, from the first on."""
        return Reader(self, self._generation, self._generation.telling.texts)

    @property
    def text_so_far(self) -> str:
        """The text that there is by now; of a stopped or failed answer, all there will be."""
        return "".join(self._generation.telling.texts)

    @property
    def text(self) -> Awaitable[str]:
        """The whole text, of all steps."""
        return self._later(lambda: self._generation.result.text)

    def into(self, streamable: StreamableValue[Any]) -> Self:
        """Append the text to a streamable, what there is of it and all that comes.

        It does not end the streamable: other text may follow. What feeds a streamable goes on
        when it is dropped; a server function waits for it before it ends, and fails if it fails.
        A streamable that ends before it stops it.

        Args:
            streamable: A text, or an unset one.

        Returns:
            This.

        Raises:
            StreamUIError: The streamable does not take what there is by now.
        """
        self._generation.feed(streamable)
        return self
