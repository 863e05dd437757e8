"""OpenTelemetry: metrics and spans of streams, runs and calls to models, where an app uses it.

An app that has set OpenTelemetry up has imported it, so nothing is imported here: as long as
nobody has, this does next to nothing. The names for models are those of
https://github.com/open-telemetry/semantic-conventions-genai. Nothing that was asked or said is
in any of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from streamui.models import calls
from streamui.models.calls import ModelCall
from streamui.server import metrics
from streamui.server.call_span import attributes_of_call, write_span
from streamui.server.instruments import Instruments, attributes_of_run
from streamui.server.metrics import Observed
from streamui.streamable import meter
from streamui.streamable.totals import EndedStream

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_instruments: Instruments | None = None
_tracer: Tracer | None = None


def _get_instruments() -> Instruments | None:
    global _instruments
    if _instruments is None and (get := _used("opentelemetry.metrics", "get_meter")) is not None:
        _instruments = Instruments(get("streamui", _version()))
    return _instruments


def _get_tracer() -> Tracer | None:
    global _tracer
    if _tracer is None and (get := _used("opentelemetry.trace", "get_tracer")) is not None:
        _tracer = get("streamui", _version())
    return _tracer


def _used(module: str, name: str) -> Any:
    # Not there yet while another thread is importing it.
    return getattr(sys.modules.get(module), name, None)


def _version() -> str | None:
    try:
        return version("streamui")
    except PackageNotFoundError:  # a copy of the source that was not installed
        return None


def _stream_ended(ended: EndedStream) -> None:
    if (instruments := _get_instruments()) is not None:
        instruments.stream(ended)


def _run_began(run: Observed) -> Callable[[float], None]:
    tracer, instruments = _get_tracer(), _get_instruments()
    end_span = _begin_span(tracer, run) if tracer is not None else None

    def end(seconds: float) -> None:
        meter.tell_ends()
        if end_span is not None:
            end_span()
        if instruments is not None:
            instruments.run(run, seconds)

    return end


def _begin_span(tracer: Tracer, run: Observed) -> Callable[[], None]:
    from opentelemetry import context
    from opentelemetry.trace import Status, StatusCode, set_span_in_context

    span = tracer.start_span(f"run {run.label}")
    # What happens in the run, such as a call to a model, has its span below this one.
    token = context.attach(set_span_in_context(span))

    def end() -> None:
        context.detach(token)
        for name, word in attributes_of_run(run).items():
            span.set_attribute(name, word)
        if run.failure is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    return end


def _call_began(call: ModelCall) -> Callable[[], None]:
    used = _used("opentelemetry.context", "get_current")
    context = used() if used is not None else None

    def end() -> None:
        if not call.host:
            return  # no model was asked over HTTP: an iterable of the app's own
        if (tracer := _get_tracer()) is not None:
            write_span(tracer, call, context)
        if (instruments := _get_instruments()) is not None:
            instruments.call(call, attributes_of_call(call))

    return end


def listen() -> None:
    """Hear from now on of each stream, run and call; called once."""
    meter.on_end.append(_stream_ended)
    metrics.on_begin.append(_run_began)
    calls.on_begin.append(_call_began)
