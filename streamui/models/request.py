"""How a model is asked, in either of OpenAI's two ways."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast

from streamui.errors import ModelError
from streamui.models.failures import as_model_error
from streamui.models.messages import Message, chat_messages
from streamui.models.provider import Model

logger = logging.getLogger("streamui")

_FORMAT_WORDS = ("response_format", "json_schema", "text.format", "tructured output")
"""What the error of a server that has no structured output, or not for this schema, tells of."""


class ToolSpec(Protocol):
    """What a model is told of a tool; a tool of the provider's own is its dict instead."""

    @property
    def name(self) -> str:
        """What the model calls it."""
        ...

    @property
    def description(self) -> str:
        """What it is for."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The JSON schema of its arguments."""
        ...


AnyTool: TypeAlias = ToolSpec | Mapping[str, Any]


def open_stream(
    model: Model,
    messages: Sequence[Message],
    *,
    system: str | None = None,
    tools: Sequence[AnyTool] = (),
    format: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Callable[[], Awaitable[Any]]:
    """Prepare a call to a model, for :func:`~streamui.models.model_events.model_events`.

    Args:
        model: Which, from :func:`~streamui.models.provider.resolve`.
        messages: What was said so far.
        system: Instructions for this call.
        tools: What the model may call. A tool may have an attribute ``strict``.
        format: The form of the answer: ``{"name": …, "schema": …, "strict": …}``. A server that
            refuses it is asked in words.
        options: Anything else for the provider's ``create()``, in the words of the Responses API;
            those that Chat Completions calls otherwise are translated.

    Returns:
        A function that sends the request and gives the stream; each call is a new request.
    """
    given = dict(options or {})
    make = chat_arguments if model.api == "chat" else _responses

    async def send(system: str | None, format: Mapping[str, Any] | None) -> Any:
        arguments = make(messages, system, tools, format, given)
        client = model.client()
        create: Any = client.chat.completions if model.api == "chat" else client.responses
        try:
            call = create.create(model=model.name, stream=True, **arguments)
        except TypeError as error:  # an option that it does not know
            raise ModelError(str(error), code="bad_request") from error
        return await call

    async def ask() -> Any:
        try:
            return await send(system, format)
        except Exception as error:
            if format is None or not _refuses_format(error):
                raise
            logger.warning("a form is asked for in words only, because: %s", as_model_error(error))
        schema = json.dumps(format["schema"], ensure_ascii=False)
        words = f"Answer with JSON by this schema, and nothing else.\n{schema}"
        return await send(f"{system}\n\n{words}" if system else words, None)

    return ask


def _refuses_format(error: Exception) -> bool:
    """Say whether a server does not know the form of an answer that it was asked for."""
    refused = getattr(error, "status_code", None) in (400, 422)
    return refused and any(word in str(error) for word in _FORMAT_WORDS)


def _responses(
    messages: Sequence[Message],
    system: str | None,
    tools: Sequence[AnyTool],
    format: Mapping[str, Any] | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    made: dict[str, Any] = {"input": list(messages), **options}
    if system is not None:
        made["instructions"] = system
    if tools:
        made["tools"] = [tool if isinstance(tool, Mapping) else _function(tool) for tool in tools]
    if format is not None:
        made["text"] = {**options.get("text", {}), "format": {"type": "json_schema", **format}}
    return made


def chat_arguments(
    messages: Sequence[Message],
    system: str | None,
    tools: Sequence[AnyTool],
    format: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Write a call in the words of Chat Completions; takes what :func:`open_stream` takes.

    Raises:
        ModelError: ``bad_request``: something has no form there.
    """
    kept = next((x for x in ("previous_response_id", "conversation") if options.get(x)), None)
    if kept is not None:
        raise ModelError(f"Chat Completions has no {kept}: give the messages", code="bad_request")
    made: dict[str, Any] = {"stream_options": {"include_usage": True}, **options}
    made["messages"] = chat_messages(messages, system)
    if tools:
        made["tools"] = [
            tool if isinstance(tool, Mapping) else {"type": "function", "function": _spec(tool)}
            for tool in tools
        ]
    if format is not None:
        made["response_format"] = {"type": "json_schema", "json_schema": dict(format)}
    if "max_output_tokens" in made:
        made["max_completion_tokens"] = made.pop("max_output_tokens")
    if isinstance(made.get("reasoning"), Mapping):
        made["reasoning_effort"] = cast("Message", made.pop("reasoning")).get("effort")
    choice = made.get("tool_choice")
    if isinstance(choice, Mapping) and "name" in choice:
        name = cast("Message", choice)["name"]
        made["tool_choice"] = {"type": "function", "function": {"name": name}}
    return made


def _function(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "strict": False, **_spec(tool)}


def _spec(tool: ToolSpec) -> dict[str, Any]:
    spec = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {**spec, "strict": True} if getattr(tool, "strict", False) else spec
