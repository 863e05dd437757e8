"""What is recorded with OpenTelemetry's metrics, under which names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from streamui.models.calls import ModelCall
from streamui.server.limits import connections
from streamui.server.metrics import Observed, pages, run_totals, status_of
from streamui.server.stats import memory_held, refusals
from streamui.streamable.meter import open_streams, stalled_streams, stream_totals
from streamui.streamable.totals import BOUNDS, EndedStream

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation

_TOKENS = tuple(4**power for power in range(14))
"""Upper ends of the buckets for tokens, as the conventions have them."""


class Instruments:
    """Everything that is measured; made once, because each name may be used once.

    Counts are read where they are kept when a reader collects. Times are recorded at each end.

    Args:
        meter: OpenTelemetry's.
    """

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, description: str):
            return meter.create_histogram(
                name, "s", description, explicit_bucket_boundaries_advisory=BOUNDS
            )

        self._stream = seconds("streamui.stream.duration", "From making to end.")
        self._first_chunk = seconds(
            "streamui.stream.time_to_first_chunk", "From making to the first write."
        )
        self._run = seconds("streamui.run.duration", "Of one call of a server function.")
        self._call = seconds("gen_ai.client.operation.duration", "GenAI operation duration.")
        self._call_first = seconds(
            "gen_ai.client.operation.time_to_first_chunk", "Time to receive the first chunk."
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        for name, unit, observe in (
            ("streamui.stream.started", "{stream}", _started),
            ("streamui.stream.chunks", "{chunk}", _chunks),
            ("streamui.stream.bytes", "By", _bytes),
            ("streamui.stream.stalls", "{stall}", _stalls),
            ("streamui.refused", "{refusal}", _refused),
            ("streamui.page.frames", "{frame}", _frames),
            ("streamui.page.bytes", "By", _frame_bytes),
        ):
            meter.create_observable_counter(name, [observe], unit)
        for name, unit, observe in (
            ("streamui.stream.active", "{stream}", _active),
            ("streamui.stream.stalled", "{stream}", _stalled),
            ("streamui.stream.memory", "By", _memory),
            ("streamui.run.active", "{run}", _runs),
            ("streamui.page.active", "{page}", _pages),
            ("streamui.connection.active", "{connection}", _connections),
        ):
            meter.create_observable_up_down_counter(name, [observe], unit)

    def stream(self, ended: EndedStream) -> None:
        """Record a stream that has ended."""
        attributes = {"streamui.function": ended.function, "streamui.status": ended.status}
        if ended.first_chunk is not None:
            first = {"streamui.function": ended.function}
            self._first_chunk.record(ended.first_chunk, first)
        if ended.code:
            attributes["error.type"] = ended.code
        self._stream.record(ended.duration, attributes)

    def run(self, run: Observed, seconds: float) -> None:
        """Record a run that has ended."""
        self._run.record(seconds, attributes_of_run(run))

    def call(self, call: ModelCall, attributes: Mapping[str, str | int]) -> None:
        """Record a call to a model that has ended.

        Args:
            call: The call.
            attributes: Those that the conventions want with every measurement.
        """
        error = {"error.type": call.code} if call.code else {}
        self._call.record(call.seconds, {**attributes, **error})
        if call.first_chunk is not None:
            self._call_first.record(call.first_chunk, attributes)
        for kind, count in (("input", call.input_tokens), ("output", call.output_tokens)):
            if count is not None:
                self._tokens.record(count, {**attributes, "gen_ai.token.type": kind})


def attributes_of_run(run: Observed) -> dict[str, str]:
    """Return what is known of a run that has ended."""
    attributes = {"streamui.function": run.label, "streamui.status": status_of(run)}
    if run.failure is not None:
        attributes["error.type"] = run.failure.code
    return attributes


Observations = Iterable["Observation"]


def _observe(number: float, **attributes: str) -> Observation:
    from opentelemetry.metrics import Observation

    return Observation(number, {f"streamui.{name}": word for name, word in attributes.items()})


def _started(_: CallbackOptions) -> Observations:
    return [_observe(each.started, function=name) for name, each in stream_totals().items()]


def _chunks(_: CallbackOptions) -> Observations:
    return [_observe(each.chunks, function=name) for name, each in stream_totals().items()]


def _bytes(_: CallbackOptions) -> Observations:
    return [_observe(each.bytes, function=name) for name, each in stream_totals().items()]


def _stalls(_: CallbackOptions) -> Observations:
    return [_observe(each.stalls, function=name) for name, each in stream_totals().items()]


def _active(_: CallbackOptions) -> Observations:
    return [_observe(each.open, function=name) for name, each in stream_totals().items()]


def _stalled(_: CallbackOptions) -> Observations:
    return [_observe(stalled_streams())]


def _memory(_: CallbackOptions) -> Observations:
    return [_observe(memory_held(open_streams()))]


def _runs(_: CallbackOptions) -> Observations:
    return [
        _observe(count, function=name, state=state)
        for name, each in run_totals().items()
        for state, count in (("running", each.running), ("waiting", each.waiting))
    ]


def _refused(_: CallbackOptions) -> Observations:
    return [_observe(count, setting=setting) for setting, count in refusals().items()]


def _connections(_: CallbackOptions) -> Observations:
    return [_observe(len(connections))]


def _frames(_: CallbackOptions) -> Observations:
    return [_observe(pages.frames)]


def _frame_bytes(_: CallbackOptions) -> Observations:
    return [_observe(pages.bytes)]


def _pages(_: CallbackOptions) -> Observations:
    return [_observe(pages.connected())]
