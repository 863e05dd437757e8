"""Pages that fill in while the server is still thinking: streaming values and UI for Reflex.

Everything public is a name of this package, loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from streamui import reflex_hook

# Not when first used: `streamui.settings` would be the module by then.
from streamui.settings import Settings, settings

if TYPE_CHECKING:
    from streamui.components.composer import composer
    from streamui.components.event_source import event_source
    from streamui.components.markdown import markdown
    from streamui.components.scroller import scroller
    from streamui.components.status import status
    from streamui.components.text import text
    from streamui.errors import (
        LimitError,
        ModelError,
        NotJSONError,
        NotStreamableError,
        ObjectError,
        PageError,
        ProtocolError,
        RunTimeoutError,
        SchemaError,
        StreamCancelledError,
        StreamClosedError,
        StreamConnectionError,
        StreamInterruptedError,
        StreamLockedError,
        StreamNotFoundError,
        StreamTypeError,
        StreamUIError,
        ToolDefinitionError,
        ToolError,
        TooLongError,
    )
    from streamui.http.consume import consume_event_stream
    from streamui.http.event import ServerSentEvent
    from streamui.http.links import stream_url
    from streamui.http.metrics import metrics_routes, stream_collector
    from streamui.http.responses import ndjson_response, sse_response, text_response
    from streamui.http.routes import routes
    from streamui.models.client import DEMO_MODEL, default_client, default_model
    from streamui.models.conversation import Conversation
    from streamui.models.model_events import model_events
    from streamui.models.object_stream import ObjectStream
    from streamui.models.provider import Model, models
    from streamui.models.resume import resume
    from streamui.models.stream_object import stream_object
    from streamui.models.stream_text import stream_text
    from streamui.models.text_result import TextResult
    from streamui.models.text_stream import TextStream
    from streamui.models.tool import Tool, tool
    from streamui.models.tool_context import ToolContext, ToolOutput
    from streamui.models.tool_states import ToolState, track_tools
    from streamui.page.approvals import approve, deny
    from streamui.page.server_function import server_function, stop
    from streamui.server.figures import Stats
    from streamui.server.lifespan import lifespan
    from streamui.server.runs import turn
    from streamui.server.stats import stats, stop_open
    from streamui.streamable.reader import read_streamable
    from streamui.streamable.value import StreamableValue

_homes = {
    "Conversation": "models.conversation",
    "DEMO_MODEL": "models.client",
    "LimitError": "errors",
    "Model": "models.provider",
    "ModelError": "errors",
    "NotJSONError": "errors",
    "NotStreamableError": "errors",
    "ObjectError": "errors",
    "ObjectStream": "models.object_stream",
    "PageError": "errors",
    "ProtocolError": "errors",
    "RunTimeoutError": "errors",
    "SchemaError": "errors",
    "ServerSentEvent": "http.event",
    "Stats": "server.figures",
    "StreamCancelledError": "errors",
    "StreamClosedError": "errors",
    "StreamConnectionError": "errors",
    "StreamInterruptedError": "errors",
    "StreamLockedError": "errors",
    "StreamNotFoundError": "errors",
    "StreamTypeError": "errors",
    "StreamUIError": "errors",
    "StreamableValue": "streamable.value",
    "TextResult": "models.text_result",
    "TextStream": "models.text_stream",
    "TooLongError": "errors",
    "Tool": "models.tool",
    "ToolContext": "models.tool_context",
    "ToolDefinitionError": "errors",
    "ToolError": "errors",
    "ToolOutput": "models.tool_context",
    "ToolState": "models.tool_states",
    "approve": "page.approvals",
    "composer": "components.composer",
    "consume_event_stream": "http.consume",
    "default_client": "models.client",
    "default_model": "models.client",
    "deny": "page.approvals",
    "event_source": "components.event_source",
    "lifespan": "server.lifespan",
    "markdown": "components.markdown",
    "metrics_routes": "http.metrics",
    "model_events": "models.model_events",
    "models": "models",  # the package itself, which is called
    "ndjson_response": "http.responses",
    "read_streamable": "streamable.reader",
    "resume": "models.resume",
    "routes": "http.routes",
    "scroller": "components.scroller",
    "server_function": "page.server_function",
    "sse_response": "http.responses",
    "stats": "server.stats",
    "status": "components.status",
    "stop": "page.server_function",
    "stop_open": "server.stats",
    "stream_collector": "http.metrics",
    "stream_object": "models.stream_object",
    "stream_text": "models.stream_text",
    "stream_url": "http.links",
    "text": "components.text",
    "text_response": "http.responses",
    "tool": "models.tool",
    "track_tools": "models.tool_states",
    "turn": "server.runs",
}

__all__ = [
    "DEMO_MODEL",
    "Conversation",
    "LimitError",
    "Model",
    "ModelError",
    "NotJSONError",
    "NotStreamableError",
    "ObjectError",
    "ObjectStream",
    "PageError",
    "ProtocolError",
    "RunTimeoutError",
    "SchemaError",
    "ServerSentEvent",
    "Settings",
    "Stats",
    "StreamCancelledError",
    "StreamClosedError",
    "StreamConnectionError",
    "StreamInterruptedError",
    "StreamLockedError",
    "StreamNotFoundError",
    "StreamTypeError",
    "StreamUIError",
    "StreamableValue",
    "TextResult",
    "TextStream",
    "TooLongError",
    "Tool",
    "ToolContext",
    "ToolDefinitionError",
    "ToolError",
    "ToolOutput",
    "ToolState",
    "approve",
    "composer",
    "consume_event_stream",
    "default_client",
    "default_model",
    "deny",
    "event_source",
    "lifespan",
    "markdown",
    "metrics_routes",
    "model_events",
    "models",
    "ndjson_response",
    "read_streamable",
    "resume",
    "routes",
    "scroller",
    "server_function",
    "settings",
    "sse_response",
    "stats",
    "status",
    "stop",
    "stop_open",
    "stream_collector",
    "stream_object",
    "stream_text",
    "stream_url",
    "text",
    "text_response",
    "tool",
    "track_tools",
    "turn",
]


def __getattr__(name: str) -> Any:
    if name not in _homes:
        raise AttributeError(f"module 'streamui' has no attribute {name!r}")
    module = importlib.import_module(f"streamui.{_homes[name]}")
    # Kept here, because importing a submodule of the same name puts the module in this place.
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return [*__all__]


reflex_hook.register()
