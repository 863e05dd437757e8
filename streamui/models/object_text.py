"""The text of an object while a model writes it, and what can be shown of it by now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from streamui.errors import ObjectError
from streamui.models.events import ModelEvent
from streamui.models.object_form import NotThisFormError, ObjectForm
from streamui.settings import settings
from streamui.streamable.log import UNSET

if TYPE_CHECKING:
    from streamui.models.step import Step

T = TypeVar("T")

_REST = 9
"""Times as long as a piece of work took that nothing is done after it."""

_COMPLAINT = """\
That is not the JSON that was asked for:
{problems}
Answer again with all of it, corrected: JSON by this schema, and nothing else.
{schema}"""


class Pauses:
    """Leaves pauses between pieces of work that take the longer the more text there is.

    Each token of a long object could have all of it parsed and compared anew; for 100 KB in 5,000
    pieces that is 20 s of work. But nobody sees more than the frames of a page, and after work that
    took long nothing is done for nine times as long. So it is a tenth of the time at most, however
    long the text and however fast the model, and what is shown is late by no more than that.
    """

    def __init__(self) -> None:
        self._began = self._until = 0.0

    @property
    def left(self) -> float:
        """Seconds until the next piece of work may begin."""
        return max(0.0, self._until - time.monotonic())

    def __enter__(self) -> None:
        """Begin a piece of work."""
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        """End it."""
        now = time.monotonic()
        self._until = now + max(settings.frame_interval, _REST * (now - self._began))


class ObjectText(Generic[T]):
    """Follows the events of an answer that is to become an object.

    Args:
        form: What it shall be.

    Attributes:
        events: What is told of the answer: a list that grows.
        partial: What there was of the object when it was last :meth:`read`.
        version: Counts the changes of that.
        result: The object, when it is whole.
        raw: What it was made of.
        pauses: Between two readings, for those who want each partial.
    """

    def __init__(self, form: ObjectForm[T]) -> None:
        self.form = form
        self.events: Sequence[ModelEvent] = ()
        self.partial: Any = UNSET
        self.version = 0
        self.result: Any = UNSET
        self.raw = ""
        self.pauses = Pauses()
        self._at = 0
        self._text = ""  # of the newest step, as far as it was read
        self._pieces: list[str] = []  # and the rest of it
        self._step_partial: Any = UNSET
        self._shown = 0  # characters of text that the partial was made of
        self._rejected = False

    def has_more(self) -> bool:
        """Return whether there is text that was not read."""
        events, at = self.events, self._at
        self._at = len(events)
        for event in events[at : self._at]:
            if event.type == "text-delta":
                self._pieces.append(event.delta)
            elif event.type == "step-start":
                self._text, self._step_partial = "", UNSET
                self._pieces.clear()
        return bool(self._pieces)

    def read(self) -> None:
        """Work out what there is of the object now."""
        if not self.has_more():
            return
        self._text += "".join(self._pieces)
        self._pieces.clear()
        self._step_partial = self.form.partial(self._text, self._step_partial)
        # What is written again is shown from where it says more than what was wrong.
        if not self._rejected or len(self._text) >= self._shown:
            self._show(self._step_partial)

    def read_end(self) -> None:
        """Do so when nothing more comes."""
        self.read()
        self._show(self._step_partial if self.result is UNSET else self.form.parsed(self.raw))

    def check(self, step: Step) -> str | None:
        """Make the object of a step's text, or say what is wrong with it.

        Args:
            step: The last one; if there is anything wrong, there may be another.

        Returns:
            What to tell the model, so that it writes it again; ``None``: here it is.

        Raises:
            ObjectError: It is none, and asking again would not help or has not.
        """
        try:
            self.result = self.form.read(step.text)
        except NotThisFormError as error:
            self._give_up(step, str(error))
            self._rejected = True
            return _COMPLAINT.format(problems=error, schema=self.form.written)
        self.raw = step.text
        return None

    def _give_up(self, step: Step, problems: str) -> None:
        """Raise if there is nothing to gain by asking again."""
        reason = step.finish_reason
        if step.refusal:
            error = ObjectError("the model refused", text=step.refusal, code="refused")
        elif reason == "length":
            error = ObjectError("the answer was too long", text=step.text, code="length")
        elif reason == "content-filter":
            error = ObjectError("it was cut off", text=step.text, code="content_filter")
        elif reason == "tool-calls":
            names = ", ".join(call.name for call in step.tool_calls)
            error = ObjectError(f"the answer ends with calls of {names}", text=step.text)
        elif self._rejected:
            words = f"the answer is not of its form, nor was it at first:\n{problems}"
            error = ObjectError(words, text=step.text)
        else:
            return
        raise error from None

    def _show(self, partial: Any) -> None:
        if partial is UNSET:
            return
        self._shown = len(self._text)
        if partial != self.partial:
            self.partial = partial
            self.version += 1
