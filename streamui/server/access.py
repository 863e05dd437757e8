"""Who may read and stop a stream: the pages that were given its handle, and nobody else."""

from __future__ import annotations

from streamui.errors import StreamNotFoundError
from streamui.store.store import store
from streamui.streamable.log import Log


async def readable(name: str, reader: str) -> Log:
    """Return a stream's content for somebody who may have it.

    Args:
        name: A stream's id, from wherever it came.
        reader: Who asks: a page's client token.

    Raises:
        StreamNotFoundError: If it is unknown, has expired, or is not this reader's; which of
            them is not said.
        StoreUnavailableError: If that cannot be found out now.
    """
    if not await store.granted(name, reader):
        raise StreamNotFoundError("no stream with this id; it is unknown here or has expired")
    return await store.open(name)
