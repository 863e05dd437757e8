"""What a tool knows of its call, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from streamui.streamable.json_value import to_json
from streamui.streamable.log import UNSET

C = TypeVar("C")


class ToolContext(Generic[C]):
    """What a tool may know of the call that it is, and do for it.

    A tool gets it in the parameter that is annotated with it, whatever its name; the model knows
    nothing of that parameter. ``ToolContext[Desk]`` says of which type ``context`` is.

    Attributes:
        call_id: The id of the call, as the model's provider gave it.
        name: What the model calls the tool.
        context: What was given to ``stream_text(context=…)``.

    Args:
        call_id: As above.
        name: As above.
        context: As above.
        tell: Takes what :meth:`progress` is told.
    """

    def __init__(
        self, call_id: str, name: str, context: C, tell: Callable[[Any], None] | None = None
    ) -> None:
        self.call_id = call_id
        self.name = name
        self.context = context
        self._tell = tell

    def progress(self, data: Any) -> None:
        """Tell how far it is, as a ``tool-progress`` event; never blocks, from any thread.

        What is told after the call's end is told nobody.

        Args:
            data: JSON.

        Raises:
            NotJSONError: It is no JSON.
        """
        data = to_json(data)
        if self._tell is not None:
            self._tell(data)


class ToolOutput:
    """What a tool gives, small for the model and rich for the page.

    Args:
        model: What the model is given: text, or JSON.
        page: The ``result`` of the ``tool-result`` event: JSON, or a streamable; by default
            ``model``.

    Example::

        return ui.ToolOutput(model=f"{len(rows)} orders, the newest of {rows[0].date}", page=rows)
    """

    __slots__ = ("model", "page")

    def __init__(self, model: Any, page: Any = UNSET) -> None:
        self.model = model
        self.page = model if page is UNSET else page
