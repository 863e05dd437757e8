"""A background response, read on from where somebody left it."""

from __future__ import annotations

from typing import Any

from streamui.models.client import default_client
from streamui.models.model_events import model_events
from streamui.models.reader import ModelEvents


def resume(
    id: str,
    after: int | None = None,
    *,
    client: Any = None,
    first_token_timeout: float | None = None,
    token_timeout: float | None = None,
) -> ModelEvents:
    """Read a background response on, in this process or in another one.

    Example::

        cursor = await events.leave()           # {"id": …, "after": …} can be kept anywhere
        …
        async for event in ui.resume(*cursor):
            if event.type == "text-delta":
                answer.append(event.delta)

    Args:
        id: The response's.
        after: The number of the last event that was read: both are
            :attr:`~streamui.models.reader.ModelEvents.cursor`. ``None`` is all of it again.
        client: The client to ask with; by default
            :func:`~streamui.models.client.default_client`.
        first_token_timeout: As for :func:`~streamui.models.model_events.model_events`.
        token_timeout: The same.

    Returns:
        The events after that one, as ``model_events`` gives them. A response that the provider no
        longer has is a ``ModelError``: ``not_found``.
    """
    options: dict[str, Any] = {} if after is None else {"starting_after": after}

    def ask() -> Any:
        asked = default_client() if client is None else client
        return asked.responses.retrieve(id, stream=True, **options)

    return model_events(ask, first_token_timeout=first_token_timeout, token_timeout=token_timeout)
