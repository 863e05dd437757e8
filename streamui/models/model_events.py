"""Any provider's stream as model events."""

from __future__ import annotations

from typing import Any

from streamui.errors import NotStreamableError
from streamui.models.foreign.libraries import readable
from streamui.models.reader import ModelEvents
from streamui.models.source import check_stream, is_async, is_blocking
from streamui.models.task_source import TaskSource
from streamui.models.thread_source import ThreadSource
from streamui.models.upstream import Upstream
from streamui.settings import settings


def model_events(
    stream: Any,
    *,
    retries: int | None = None,
    first_token_timeout: float | None = None,
    token_timeout: float | None = None,
) -> ModelEvents:
    """Read any provider's stream as one small set of typed events.

    Takes what your own ``openai`` client returned from ``responses.create(stream=True)``,
    ``responses.stream(...)``, ``chat.completions.create(stream=True)`` or
    ``chat.completions.stream(...)``, blocking or async, awaited or not; or any iterable of
    strings, async or not. A blocking one is read in a thread.

    Takes also what agents of pydantic-ai (``run_stream_events``), openai-agents
    (``Runner.run_streamed``) and LangChain (``astream``, ``astream_events``) give, and the events
    of AG-UI: as objects, as JSON, or from :func:`~streamui.http.consume.consume_event_stream`.

    Or takes a function that asks, so that it can ask again when a stream fails before the first
    token: the client's own retries end when a stream is open. Each time is a ``retry`` event.

    Example::

        ask = partial(client.responses.create, model=model, input=question, stream=True)
        async for event in ui.model_events(ask):
            if event.type == "text-delta":
                answer.append(event.delta)

    A response made with ``background=True`` is resumed where its stream broke, also after the
    first token, and is not asked for again.

    The provider's connection is closed when the loop ends, however it ends, and when the run
    around it is stopped; a background response that has not ended is cancelled then.

    Args:
        stream: What to read, or a function without arguments that returns an async one, awaited
            or not. It belongs to the events from now on.
        retries: Times that such a function is called again at most; by default
            ``settings.model_retries``.
        first_token_timeout: Seconds that the provider may be silent before the first token; 0 is
            no limit; by default ``settings.first_token_timeout``.
        token_timeout: The same after the first token; by default ``settings.token_timeout``.

    Returns:
        An async iterator of events. A proper end is one ``finish`` event, the last. Anything
        else ends with an ``error`` event and raises
        :class:`~streamui.errors.ModelError`, after an end for every part that was open; when
        somebody else closed it, with :class:`~streamui.errors.StreamCancelledError`.

    Raises:
        NotStreamableError: This can't be read as a stream.
    """
    if isinstance(stream, ModelEvents):
        return stream
    check_stream(stream)
    stream = readable(stream)
    if is_async(stream):
        upstream = Upstream(TaskSource(stream))
    elif is_blocking(stream):
        upstream = Upstream(ThreadSource(stream))
    elif callable(stream):
        times = settings.model_retries if retries is None else retries
        upstream = Upstream(TaskSource(stream), stream, times)
    else:
        raise NotStreamableError(f"{type(stream).__name__} can't be read as a model's stream")
    return ModelEvents(
        upstream,
        settings.first_token_timeout if first_token_timeout is None else first_token_timeout,
        settings.token_timeout if token_timeout is None else token_timeout,
    )
