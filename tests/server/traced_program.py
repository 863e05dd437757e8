"""A program that uses OpenTelemetry, as an app does; test_metrics_telemetry.py runs it.

It prints what was exported, as JSON. With ``late`` its SDK is set up after the first run, with
``without`` never.
"""

import asyncio
import dataclasses
import json
import sys

import streamui as ui
from streamui.server.run import Run
from streamui.streamable.value import StreamableValue

SECRET = "Write 8 words about marmalade flat out"


async def emit(item):
    pass


async def drive(label, function):
    run = Run(f"state.{label}", "page-token", label=label)
    try:
        await run.drive(function, emit)
    except ui.StreamUIError:
        pass


async def ask():
    text = StreamableValue("")
    text.handle()
    stream = await ui.default_client().responses.create(
        model="streamui-demo", input=SECRET, stream=True
    )
    async for event in ui.model_events(stream):
        if event.type == "text-delta":
            text.append(event.delta)


async def fail():
    StreamableValue("").append("part")
    client = ui.default_client().with_options(max_retries=0)
    stream = client.responses.create(model="streamui-demo", input="fail with 500", stream=True)
    async for _ in ui.model_events(stream):
        pass


async def linger():
    StreamableValue("").append("part of marmalade")
    await asyncio.Event().wait()


async def work(collect):
    await drive("App.ask", ask)
    await drive("App.fail", fail)
    lingering = asyncio.create_task(drive("App.linger", linger))
    await asyncio.sleep(0.01)
    found = collect()
    lingering.cancel()
    await asyncio.gather(lingering, return_exceptions=True)
    from streamui.models.client import aclose_default_clients

    await aclose_default_clients()
    return found


def set_up():
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))

    def collect():
        data = reader.get_metrics_data()
        return {
            "spans": [json.loads(span.to_json()) for span in spans.get_finished_spans()],
            "metrics": json.loads(data.to_json()) if data else {},
        }

    return collect


def main():
    how = sys.argv[1]
    if how == "without":
        found = asyncio.run(work(dict))
        found["imported"] = sorted(name for name in sys.modules if name.startswith("opentel"))
    else:
        if how == "late":
            import opentelemetry.metrics
            import opentelemetry.trace  # noqa: F401  # used, and not set up yet

            asyncio.run(work(dict))
        found = asyncio.run(work(set_up()))
    found["stats"] = dataclasses.asdict(ui.stats())
    print(json.dumps(found))


main()
