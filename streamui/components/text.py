"""Streaming text as it is."""

from __future__ import annotations

from typing import Any

from reflex.assets import asset
from reflex_base.components.component import field
from reflex_base.vars.base import Var

from streamui.components.base import StreamComponent


class Text(StreamComponent):
    """Shows a streamable's text, white space kept, one text node that only grows."""

    library = asset("text.jsx", shared=True).importable_path.split("?")[0]
    tag = "StreamText"

    source: Var[Any] = field(doc="A streamable or a plain value.")
    announce: Var[bool] = field(
        doc="Have a screen reader told the text when it is complete, not word by word."
    )


def text(source: Any, **props: Any) -> Text:
    """Show streaming text as it is.

    Args:
        source: A streamable, a state variable or loop variable that holds one, or plain text.
        props: ``id``, ``class_name``, style props, and those of :class:`Text`.

    Returns:
        A component that renders again when this stream changes, and at no other time.

    Example:
        ui.text(State.answer, color="gray")
    """
    return Text.create(source=source, **props)
