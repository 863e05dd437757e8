"""A foreign event stream, given to the page's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reflex.assets import asset
from reflex_base.components.component import Component, field
from reflex_base.event import (
    EventChain,
    EventHandler,
    no_args_event_spec,
    passthrough_event_spec,
)
from reflex_base.vars.base import LiteralVar, Var

from streamui.page.backend import BACKEND_URL

asset("event_source.js", shared=True)

_MESSAGE = passthrough_event_spec(dict[str, str])


class EventSourceReader(Component):
    """Reads server-sent events in the page with the browser's own ``EventSource``.

    It is open from mount to unmount, and opened anew when its URL changes. The browser connects
    again after a cut, with ``Last-Event-ID``; after an answer that is no event stream it does
    not. It shows nothing.
    """

    library = asset("event_source.jsx", shared=True).importable_path.split("?")[0]
    tag = "EventSourceReader"

    url: Var[str | None] = field(doc="The address of the stream; none or empty is closed.")
    base: Var[str] = field(doc="Where an address without a host is: the app's own server.")
    names: Var[Sequence[str]] = field(doc="The named events to read, beside unnamed ones.")
    handlers: Var[dict[str, Any]] = field(doc="Named events with a handler of their own.")
    with_credentials: Var[bool] = field(doc="Send the other site's cookies.")
    interval: Var[int] = field(doc="Milliseconds between two calls of ``on_messages``.")

    on_message: EventHandler[_MESSAGE] = field(doc="Called with each message.")
    on_messages: EventHandler[passthrough_event_spec(list[dict[str, str]])] = field(
        doc="Called with the messages since its last call: the first at once."
    )
    on_open: EventHandler[no_args_event_spec] = field(doc="Called at each connection.")
    on_error: EventHandler[passthrough_event_spec(dict[str, Any])] = field(
        doc="Called when a connection is lost, or a message is too long."
    )


def event_source(
    url: Any,
    *,
    on_message: Any = None,
    on_messages: Any = None,
    on_open: Any = None,
    on_error: Any = None,
    events: Mapping[str, Any] | Sequence[str] = (),
    with_credentials: bool | Var[bool] = False,
    interval: int = 50,
) -> EventSourceReader:
    """Read server-sent events of any server in the page, and give them to event handlers.

    A message is a dict of three texts: ``data``, ``event`` (``message`` if the server names
    none) and ``id``. JSON in ``data`` stays text. What a foreign server sends is data to be
    checked, like all that comes from a page.

    Args:
        url: The address; without a host, that of a route of this app's own server. ``None`` or
            ``""`` is closed. May be a state variable: the stream is opened anew when it changes.
        on_message: Takes one message. Each is an event of its own to the server.
        on_messages: Takes a list of them, for streams that are fast: the first message comes at
            once, then everything that came within ``interval``, in order.
        on_open: Takes nothing; called at each connection.
        on_error: Takes ``{"closed": bool, "code": str}``. The code is ``connection`` (the
            browser connects again unless ``closed``), ``url`` (none of http or https) or
            ``too_long`` (a message of more than 300,000 characters, which was left out).
        events: The named events to read as well, as browsers read only those they are told.
            As a list, ``on_message`` and ``on_messages`` get them; as a mapping from names to
            handlers, each has a handler that takes one message, in place of ``on_message``.
        with_credentials: Send the other site's cookies.
        interval: Milliseconds between two calls of ``on_messages``.

    Raises:
        TypeError: If ``events`` is one text: a list of names was meant.

    Example:
        ui.event_source(
            "https://example.com/prices",
            on_message=State.note,
            events={"price": State.set_price},
        )
    """
    if isinstance(events, str):
        raise TypeError(f"events takes a list of names: write events=[{events!r}]")
    props: dict[str, Any] = {}
    if isinstance(events, Mapping):
        chains = {
            name: EventChain.create(handler, _MESSAGE, key=name) for name, handler in events.items()
        }
        props["handlers"] = LiteralVar.create(chains)
    else:
        props["names"] = list(events)
    given = {
        "on_message": on_message,
        "on_messages": on_messages,
        "on_open": on_open,
        "on_error": on_error,
    }
    props |= {name: handler for name, handler in given.items() if handler is not None}
    return EventSourceReader.create(
        url=url, base=BACKEND_URL, with_credentials=with_credentials, interval=interval, **props
    )
