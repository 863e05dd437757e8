"""How a stream is doing, in words."""

from __future__ import annotations

from typing import Any

from reflex.assets import asset
from reflex_base.components.component import field
from reflex_base.vars.base import Var

from streamui.components.base import StreamComponent


class Status(StreamComponent):
    """Shows a streamable's text while it streams, and how it ended when it did not end well."""

    library = asset("status.jsx", shared=True).importable_path.split("?")[0]
    tag = "StreamStatus"

    source: Var[Any] = field(doc="A streamable or a plain value.")


def status(source: Any, **props: Any) -> Status:
    """Show how a stream is doing: its own words, then how it ended.

    A screen reader is told politely (``role="status"``). An error shows its sentence; stopped
    and interrupted are said in words. A dot pulses while it streams, unless the reader prefers
    less motion.

    Of several on one page let one speak, and give ``aria_live="off"`` to the others.

    Args:
        source: A streamable, a state variable or loop variable that holds one, or plain text.
        props: ``id``, ``class_name``, style props.
    """
    return Status.create(source=source, **props)
