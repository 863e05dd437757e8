"""The same numbers for Prometheus, by way of ``prometheus-client``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from streamui.models.calls import call_totals
from streamui.server.limits import connections
from streamui.server.metrics import pages, run_totals
from streamui.server.stats import memory_held, refusals
from streamui.streamable.meter import open_streams, stalled_streams, stream_totals
from streamui.streamable.totals import BOUNDS, Spread

Labels = Sequence[str]
Numbers = Mapping[tuple[str, ...], float]


class StreamCollector(Collector):
    """Collects what this process streams whenever a registry is asked; it keeps nothing.

    ``function`` is a server function's module, class and method; no label has an id in it.
    """

    def collect(self) -> Iterator[Metric]:
        """Give each metric with the numbers that it has now."""
        yield from _streams()
        yield from _runs()
        yield from _models()
        held = memory_held(open_streams())
        yield _gauge("memory_bytes", "Bytes of content held for readers.", held)
        text = "Clients that read a stream over HTTP."
        yield _gauge("connections_open", text, len(connections))
        refused = {(setting,): count for setting, count in refusals().items()}
        text = "Times that something was one too many, by the setting that says how many."
        yield _count("refused", text, ("setting",), refused)
        yield _gauge("pages_connected", "Pages connected to this process.", pages.connected())
        yield _count("frames", "Frames sent to pages.", (), {(): pages.frames})
        text = "UTF-8 bytes of the frames' JSON, without what the socket puts around it."
        yield _count("frame_bytes", text, (), {(): pages.bytes})

    def describe(self) -> list[Metric]:
        """Give none: what there is depends on what runs."""
        return []


def _streams() -> Iterator[Metric]:
    totals = stream_totals()
    label = ("function",)

    def each(name: str) -> Numbers:
        return {(function,): getattr(one, name) for function, one in totals.items()}

    yield _count("streams_started", "Streams that were begun.", label, each("started"))
    ends = {
        (function, status, code): count
        for function, one in totals.items()
        for (status, code), count in one.ends.items()
    }
    text = "Streams that ended, by status and the code of the failure."
    yield _count("streams_ended", text, ("function", "status", "code"), ends)
    open_now = GaugeMetricFamily("streamui_streams_open", "Streams that are open.", labels=label)
    for (function,), count in each("open").items():
        open_now.add_metric([function], count)
    yield open_now
    yield _gauge("streams_stalled", "Open streams that wait for a write.", stalled_streams())
    yield _count("stream_chunks", "Writes that changed a stream.", label, each("chunks"))
    yield _count("stream_bytes", "UTF-8 bytes of what was written.", label, each("bytes"))
    yield _count("stream_stalls", "Times that a write was long in coming.", label, each("stalls"))
    spreads = {(function,): one.first_chunk for function, one in totals.items()}
    yield _spread("stream_first_chunk_seconds", "From making to first write.", label, spreads)
    spreads = {(function,): one.duration for function, one in totals.items()}
    yield _spread("stream_duration_seconds", "From making to end.", label, spreads)


def _runs() -> Iterator[Metric]:
    totals = run_totals()
    label = ("function",)
    started = {(function,): one.started for function, one in totals.items()}
    yield _count("runs_started", "Calls of server functions that were begun.", label, started)
    ends = {
        (function, status, code): count
        for function, one in totals.items()
        for (status, code), count in one.ends.items()
    }
    text = "Calls of server functions that ended, by status and the code of the failure."
    yield _count("runs_ended", text, ("function", "status", "code"), ends)
    text = "Calls of server functions that run, or wait for their turn."
    now = GaugeMetricFamily("streamui_runs_open", text, labels=("function", "state"))
    for function, one in totals.items():
        now.add_metric([function, "running"], one.running)
        now.add_metric([function, "waiting"], one.waiting)
    yield now
    spreads = {(function,): one.duration for function, one in totals.items()}
    yield _spread("run_duration_seconds", "Of calls of server functions.", label, spreads)


def _models() -> Iterator[Metric]:
    running, totals = call_totals()
    label = ("model",)
    yield _gauge("model_calls_open", "Calls to models that are under way.", running)
    ends = {(model, code): n for model, one in totals.items() for code, n in one.ends.items()}
    text = "Calls to models that ended, by the code of the failure."
    yield _count("model_calls_ended", text, ("model", "code"), ends)
    tokens = {
        (model, kind): count
        for model, one in totals.items()
        for kind, count in (("input", one.input_tokens), ("output", one.output_tokens))
    }
    yield _count("model_tokens", "Tokens, as the providers said.", ("model", "type"), tokens)
    retries = {(model,): one.retries for model, one in totals.items()}
    yield _count("model_retries", "Times that a call was repeated or resumed.", label, retries)
    spreads = {(model,): one.first_chunk for model, one in totals.items()}
    yield _spread("model_first_chunk_seconds", "Until the first output.", label, spreads)
    spreads = {(model,): one.duration for model, one in totals.items()}
    yield _spread("model_call_seconds", "Until the end of the answer.", label, spreads)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"streamui_{name}", text, value)


def _count(name: str, text: str, labels: Labels, numbers: Numbers) -> Metric:
    family = CounterMetricFamily(f"streamui_{name}", text, labels=labels)
    for words, count in numbers.items():
        family.add_metric(words, count)
    return family


def _spread(
    name: str, text: str, labels: Labels, spreads: Mapping[tuple[str, ...], Spread]
) -> Metric:
    family = HistogramMetricFamily(f"streamui_{name}", text, labels=labels)
    for words, spread in spreads.items():
        ends = [*map(str, BOUNDS), "+Inf"]
        buckets = list(zip(ends, accumulate(spread.counts), strict=True))
        family.add_metric(words, buckets, spread.sum)
    return family
