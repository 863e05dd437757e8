"""The box in which a person writes a message."""

from __future__ import annotations

from typing import Any

from reflex.assets import asset
from reflex_base.components.component import Component, field
from reflex_base.event import EventHandler, passthrough_event_spec
from reflex_base.vars.base import Var
from reflex_components_core.core.banner import has_connection_errors

# So that it can count as the server does.
from streamui.page import client  # noqa: F401
from streamui.settings import settings

asset("composer.css", shared=True)


class Composer(Component):
    """A text box that grows, and a button to send what is in it.

    Typing asks nothing of the server. Enter sends, Shift+Enter begins a line; after sending the
    focus is in the box. What is written there survives a reload and a lost connection.
    """

    library = asset("composer.jsx", shared=True).importable_path.split("?")[0]
    tag = "Composer"

    label: Var[str] = field(default=Var.create("Message"), doc="The box's accessible name.")
    placeholder: Var[str] = field(doc="Shown while the box is empty; the label by default.")
    send_label: Var[str] = field(default=Var.create("Send"), doc="What the button says.")
    limit: Var[int] = field(doc="The most characters of one message; it refuses longer ones.")
    connected: Var[bool] = field(doc="Whether messages can be sent; what is written waits here.")
    auto_focus: Var[bool] = field(doc="Have the focus as soon as the page is there.")

    on_send: EventHandler[passthrough_event_spec(str)] = field(
        doc="Called with the text, without white space around it; never with an empty one."
    )


def composer(*children: Any, on_send: Any, **props: Any) -> Composer:
    """Make a box to write a message in.

    Give it an ``id`` to move the focus into it with ``rx.set_focus(id)`` or to write into it with
    ``rx.set_value(id, text)``.

    Args:
        children: Placed beside the Send button, such as a Stop button.
        on_send: An event handler or server function that takes the text.
        props: ``label``, ``placeholder``, ``send_label``, ``limit`` (characters; by default
            ``settings.message_limit``), ``auto_focus``, ``id``, ``class_name``, style props.

    Example:
        ui.composer(
            rx.cond(State.answer.streaming, rx.button("Stop", on_click=ui.stop(State.ask))),
            on_send=State.ask,
        )
    """
    props.setdefault("limit", settings.message_limit)
    props.setdefault("connected", ~has_connection_errors)
    return Composer.create(*children, on_send=on_send, **props)
