"""Stopping what another page, another process or a client over HTTP wants stopped."""

from __future__ import annotations

from typing import Any

from streamui.server.runs import runs
from streamui.store.engine import Order
from streamui.store.store import store
from streamui.streamable.base import find_streamable


async def stop_calls(page: str, name: str) -> None:
    """Stop the running calls of a server function on a page, in whichever process they run.

    Args:
        page: The page that called.
        name: The function.
    """
    order = {"stop_calls": [page, name]}
    if runs.stop(page, name):
        store.tell_soon(order)  # what is stopped is stopped, also while Redis is gone
    else:
        await store.tell(order)


async def stop_stream(name: str) -> None:
    """Stop whoever makes a stream, in whichever process; harmless if it has ended.

    The caller has made sure that whoever asks may do so.

    Args:
        name: The stream's id.
    """
    if not _stop_here(name):
        await store.tell({"stop_stream": name})


def _stop_here(name: str) -> bool:
    streamable = find_streamable(name)
    if streamable is not None:
        streamable.stop()
    return streamable is not None


def _hear(order: Order) -> None:
    match dict[str, Any](order):
        case {"stop_calls": [str(page), str(name)]}:
            runs.stop(page, name)
        case {"stop_stream": str(name)}:
            _stop_here(name)
        case _:
            pass


store.listen(_hear)
