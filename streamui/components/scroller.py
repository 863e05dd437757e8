"""A list that stays at its end while it grows, as long as its reader is there."""

from __future__ import annotations

from typing import Any

from reflex.assets import asset
from reflex_base.components.component import Component, field
from reflex_base.vars.base import Var

asset("scroller.css", shared=True)


class Scroller(Component):
    """Scrolls with what is added at its end, and lets a reader who scrolls up read on."""

    library = asset("scroller.jsx", shared=True).importable_path.split("?")[0]
    tag = "Scroller"

    role: Var[str] = field(default=Var.create("log"), doc="What it is to assistive technology.")
    label: Var[str] = field(default=Var.create("Messages"), doc="Its accessible name.")
    jump_label: Var[str] = field(
        default=Var.create("Jump to latest"), doc="What the button that leads to the end says."
    )
    follow: Var[Any] = field(
        doc="The reader is taken to the end when this changes, such as the number of messages."
    )


def scroller(*children: Any, **props: Any) -> Scroller:
    """Make a list that scrolls by itself, for as long as its reader is at the end.

    Give it a height, or let it fill a flex or grid cell.

    Args:
        children: What it shows.
        props: ``follow``, ``label``, ``role`` (``log`` by default), ``jump_label``, ``id``,
            ``class_name``, style props.

    Example:
        ui.scroller(rx.foreach(State.messages, card), follow=State.messages.length())
    """
    return Scroller.create(*children, **props)
