"""Which library something is of, by the module of its class: none is imported for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from streamui.models.dialect import Dialect


def dialect_of(item: object) -> Dialect | None:
    """Find the dialect of a library's event.

    Args:
        item: The first that a stream yields.

    Returns:
        A new one; ``None`` when it is of no library that is known here.
    """
    if isinstance(item, Mapping):
        named = cast("Mapping[str, Any]", item)
        return _langchain() if "run_id" in named and "event" in named else _ag_ui()
    for kind in type(item).__mro__:
        home = kind.__module__
        if home.startswith(("pydantic_ai.", "streamui.models.foreign.pydantic_ai")):
            from streamui.models.foreign.pydantic_ai import PydanticAIDialect

            return PydanticAIDialect()
        if home in ("agents.stream_events", "streamui.models.foreign.openai_agents"):
            from streamui.models.foreign.openai_agents import OpenAIAgentsDialect

            return OpenAIAgentsDialect()
        if home.startswith("langchain_core."):
            return _langchain()
        if home.startswith("ag_ui."):
            return _ag_ui()
    return None


def readable(stream: Any) -> Any:
    """Give what can be read in place of a library's result that cannot, or not be stopped.

    Args:
        stream: What a user gave, or got by calling, awaiting or entering that.

    Returns:
        An async iterator, where something has to be read in a way of its own; else the same.
    """
    home, name = type(stream).__module__, type(stream).__name__
    if home == "agents.result" and hasattr(stream, "stream_events"):
        from streamui.models.foreign.openai_agents import RunEvents

        return RunEvents(stream)
    if getattr(stream, "__qualname__", "") == "RunResultStreaming.stream_events":
        from streamui.models.foreign.openai_agents import RunEvents

        return RunEvents.of(stream) or stream
    if home == "pydantic_ai.result" and name == "StreamedRunResult":
        from streamui.models.foreign.pydantic_ai import texts

        return texts(stream)
    if home == "streamui.http.consume":
        from streamui.models.foreign.ag_ui import JSONEvents

        return JSONEvents(stream)
    return stream


def _langchain() -> Dialect:
    from streamui.models.foreign.langchain import LangChainDialect

    return LangChainDialect()


def _ag_ui() -> Dialect:
    from streamui.models.foreign.ag_ui import AGUIDialect

    return AGUIDialect()
