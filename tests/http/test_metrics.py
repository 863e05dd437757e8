"""What Prometheus gets when it scrapes, over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from starlette.applications import Starlette
from starlette.routing import Mount, Route

import streamui as ui
from streamui.streamable.value import StreamableValue
from tests.http.serving import serving
from tests.server.counting import Function

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def named(found: dict[Any, float], name: str, **labels: str) -> float:
    return found[f"streamui_{name}", tuple(sorted(labels.items()))]


def bearing(words: str) -> httpx.Headers:
    return httpx.Headers({b"authorization": words.encode("latin-1")})


async def scrape(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    answer = await client.get("/metrics", headers=headers)
    answer.raise_for_status()
    return answer


async def test_a_scrape_has_the_numbers_of_streams_in_the_text_format() -> None:
    function = Function()
    label = function.label
    async with serving(ui.metrics_routes()) as client:
        text = function.make(StreamableValue, "")
        text.append("wörd ")
        answer = await scrape(client)
        assert answer.headers["content-type"] == PLAIN
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        found = samples(answer.text)
        assert named(found, "streams_started_total", function=label) == 1
        assert named(found, "streams_open", function=label) == 1
        assert named(found, "stream_chunks_total", function=label) == 1
        assert named(found, "stream_bytes_total", function=label) == 6
        assert named(found, "stream_first_chunk_seconds_count", function=label) == 1
        assert named(found, "stream_duration_seconds_count", function=label) == 0
        text.error(ui.ModelError(code="overloaded"))
        found = samples((await scrape(client)).text)
        ended = {"function": label, "status": "error", "code": "overloaded"}
        assert named(found, "streams_ended_total", **ended) == 1
        assert named(found, "streams_open", function=label) == 0
        assert named(found, "stream_duration_seconds_bucket", function=label, le="+Inf") == 1


async def test_readers_over_http_are_counted_while_they_read() -> None:
    text = StreamableValue("").append("a")
    app = Starlette(
        routes=[
            Route("/text", lambda request: ui.text_response(text)),
            Mount("", ui.metrics_routes()),
        ]
    )
    async with serving(app) as client:
        before = named(samples((await scrape(client)).text), "connections_open")
        async with client.stream("GET", "/text") as reading:
            await anext(reading.aiter_text())
            found = samples((await scrape(client)).text)
            assert named(found, "connections_open") == before + 1
            text.done()
    assert ui.stats().connections == before


async def test_every_family_is_there_with_its_words_and_buckets_that_add_up() -> None:
    async with serving(ui.metrics_routes()) as client:
        families = list(parse((await scrape(client)).text))
    assert {family.name for family in families} >= {
        f"streamui_{name}"
        for name in (
            *("streams_started", "streams_ended", "streams_open", "streams_stalled"),
            *("stream_chunks", "stream_bytes", "stream_stalls", "stream_first_chunk_seconds"),
            *("stream_duration_seconds", "runs_started", "runs_ended", "runs_open"),
            *("run_duration_seconds", "model_calls_open", "model_calls_ended", "model_tokens"),
            *("model_retries", "model_first_chunk_seconds", "model_call_seconds"),
            *(
                "memory_bytes",
                "pages_connected",
                "frames",
                "frame_bytes",
                "connections_open",
                "refused",
            ),
        )
    }
    assert all(family.documentation for family in families)
    for family in families:
        if family.type == "histogram":
            buckets = [s.value for s in family.samples if s.name.endswith("_bucket")]
            ends = [s.value for s in family.samples if s.labels.get("le") == "+Inf"]
            counts = [s.value for s in family.samples if s.name.endswith("_count")]
            assert ends == counts
            assert len(buckets) == 15 * len(counts)


async def test_a_scraper_that_speaks_openmetrics_gets_that() -> None:
    async with serving(ui.metrics_routes()) as client:
        answer = await scrape(client, accept="application/openmetrics-text; version=1.0.0")
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert any(family.name == "streamui_frames" for family in parse_open(answer.text))
        odd = await scrape(client, accept="application/openmetrics-text; version=newest")
        assert odd.headers["content-type"] == PLAIN


async def test_no_label_is_an_id() -> None:
    function = Function()
    text = function.make(StreamableValue, "")
    text.append("my secret words")
    async with serving(ui.metrics_routes()) as client:
        written = (await scrape(client)).text
    assert text.id not in written
    assert "secret" not in written
    text.done()


async def test_with_a_token_only_who_has_it_is_told() -> None:
    async with serving(ui.metrics_routes(token="sésame")) as client:
        for given in ("", "Bearer", "Bearer sesame", "Basic sésame", "Bearer sésame2"):
            answer = await client.get("/metrics", headers=bearing(given))
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert "streamui_" not in answer.text
        right = bearing("bearer sésame")
        assert (await client.get("/metrics", headers=right)).status_code == 200


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match="everybody"):
        ui.metrics_routes(token="")


async def test_nothing_but_the_path_asked_for_is_served() -> None:
    async with serving(ui.metrics_routes("/internal/metrics")) as client:
        assert (await client.get("/metrics")).status_code == 404
        assert (await client.get("/internal/metrics")).status_code == 200
        assert (await client.post("/internal/metrics")).status_code == 405


async def test_a_registry_of_the_app_has_its_own_metrics_and_ours() -> None:
    registry = CollectorRegistry()
    Counter("orders", "Orders.", registry=registry).inc()
    registry.register(ui.stream_collector())
    async with serving(ui.metrics_routes(registry=registry)) as client:
        found = samples((await scrape(client)).text)
    assert found["orders_total", ()] == 1
    assert ("streamui_frames_total", ()) in found


def test_without_the_package_the_error_says_what_to_install() -> None:
    code = """
import sys
sys.modules["prometheus_client"] = None
import streamui as ui
try:
    ui.metrics_routes()
except ImportError as error:
    print(error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "streamui[metrics]" in ended.stdout
