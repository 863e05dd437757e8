"""Making Reflex know streamables: their JSON, their Var, and the page's way to ask for them."""

from __future__ import annotations

from typing import Any

from reflex_base.utils.serializers import serializer

from streamui.http.site import site
from streamui.page import (  # noqa: F401  # importing some of them registers them
    children,
    configuration,
    connection,
    lifespan,
    link,
    returning,
    room,
    vars,
)
from streamui.page.frames import pages
from streamui.settings import settings
from streamui.store.store import addresses, store
from streamui.streamable.patch import size_of
from streamui.streamable.quota import page_finders
from streamui.streamable.value import StreamableValue

_SMALL = 64  # JSON characters up to which a handle just carries its value

page_finders.append(link.current_token)
site.use(
    origins=configuration.allowed_origins,
    address=configuration.backend_address,
    proxies=configuration.trusted_proxies,
)
addresses.append(configuration.redis_address)


@serializer
def serialize_streamable(value: StreamableValue) -> dict[str, Any]:  # pyright: ignore[reportMissingTypeArgument]
    """Write a streamable's handle into whatever is sent to a page.

    A page that is given a live handle gets its stream from then on. One that holds the value
    of an ended stream already is not sent it again: that keeps a conversation's bytes linear.
    One that is too long for a frame travels as a stream, in pieces.
    """
    page = pages.current()
    if value.streaming:
        handle = value.handle()
        store.add(value.id, value.log)
        # A page that is connected to another process meanwhile asks there.
        token = page.token if page is not None else link.current_token()
        if token:
            store.grant(value.id, token)
        if page is not None and not link.hydrating():
            page.follow(value.id, value.log)
        return handle
    handle = value.handle()
    size = size_of(handle.get("value"))
    if page is None or size <= _SMALL:
        return handle
    # Where it can be asked for, should the page turn out not to have it after all.
    store.add(value.id, value.log)
    store.grant(value.id, page.token)
    handle["$stream"] = value.id
    if value.id in page.held:
        handle.pop("value", None)
        handle["held"] = 1
    elif 0 < settings.frame_bytes < size:
        handle = {"$stream": value.id}
        if not link.hydrating():
            page.follow(value.id, value.log)
    elif not link.hydrating():  # a page that connects says itself what it holds
        page.hold(value.id)
    return handle
