"""One call to a model as OpenTelemetry's conventions for generative AI describe it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from streamui.models.calls import ModelCall

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

# By the provider's domain; whoever else speaks OpenAI's protocol goes by its name.
_PROVIDERS = {
    "openai.azure.com": "azure.ai.openai",
    "models.ai.azure.com": "azure.ai.inference",
    "services.ai.azure.com": "azure.ai.inference",
    "anthropic.com": "anthropic",
    "deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "moonshot.ai": "moonshot_ai",
    "perplexity.ai": "perplexity",
    "x.ai": "x_ai",
}
_USAGE = {
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}


def attributes_of_call(call: ModelCall) -> dict[str, str | int]:
    """Return what goes with every measurement of a call.

    Args:
        call: One that has ended.
    """
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider(call.host),
        "server.address": call.host,
    }
    if call.port is not None:
        attributes["server.port"] = call.port
    if call.model:
        attributes["gen_ai.request.model"] = call.model
    if call.answered_by:
        attributes["gen_ai.response.model"] = call.answered_by
    return attributes


def provider(host: str) -> str:
    """Name who answers at a host, in the words of the conventions."""
    for domain, name in _PROVIDERS.items():
        if host == domain or host.endswith(f".{domain}"):
            return name
    return "openai"


def write_span(tracer: Tracer, call: ModelCall, context: Context | None) -> None:
    """Write the span of a call that has ended.

    Args:
        tracer: What makes spans.
        call: The call.
        context: Where it was made, so that the span has its place.
    """
    from opentelemetry.trace import SpanKind, Status, StatusCode

    begun = time.time() - (time.monotonic() - call.begun)
    span = tracer.start_span(
        f"chat {call.model or call.answered_by}".rstrip(),
        context,
        SpanKind.CLIENT,
        attributes_of_call(call),
        start_time=int(begun * 1e9),
    )
    if span.is_recording():
        span.set_attributes(_outcome(call))
        if call.code and call.code != "cancelled":
            span.set_status(Status(StatusCode.ERROR))
    span.end(int((begun + call.seconds) * 1e9))


def _outcome(call: ModelCall) -> dict[str, str | bool | int | float | list[str]]:
    told = {
        "gen_ai.request.stream": True,
        "openai.api.type": call.api,
        "gen_ai.response.id": call.response_id or None,
        "gen_ai.response.finish_reasons": [call.finish_reason] if call.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": call.first_chunk,
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "streamui.retries": call.retries or None,
        "error.type": call.code or None,
    }
    told |= {name: call.details.get(detail) for detail, name in _USAGE.items()}
    return {name: value for name, value in told.items() if value is not None}
