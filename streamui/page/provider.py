"""The component round the whole page that takes frames in and says hello."""

from __future__ import annotations

from reflex_base.components.component import Component, field
from reflex_base.utils.format import format_event_handler
from reflex_base.vars.base import Var

from streamui.page.client import STREAMABLE_LIBRARY
from streamui.page.connection import StreamConnection


class StreamProvider(Component):
    """Mounted by whatever shows a streamable; nobody needs to place it."""

    library = STREAMABLE_LIBRARY
    tag = "StreamProvider"

    socket: Var[str] = field(doc="The socket session; a new one makes the page say hello.")
    hello: Var[str] = field(doc="The name of the event by which the page says hello.")

    @classmethod
    def create(cls, *children, **props) -> StreamProvider:
        """Make the provider, bound to the page's connection."""
        props.setdefault("socket", StreamConnection.socket)
        props.setdefault("hello", format_event_handler(StreamConnection.event_handlers["hello"]))
        return super().create(*children, **props)
