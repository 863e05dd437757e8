"""OpenTelemetry hears of streams, runs and calls to models: what an app exports, for real."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).parent / "traced_program.py"


@pytest.fixture(scope="module")
def programs():
    """What the program prints when it sets OpenTelemetry up early, late, and never."""
    started = {
        how: subprocess.Popen(
            [sys.executable, "-W", "error", PROGRAM, how],
            env={**os.environ, "STREAMUI_STALL_AFTER": "60"},  # on a machine that is busy
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for how in ("early", "late", "without")
    }
    printed = {}
    for how, program in started.items():
        output, problems = program.communicate(timeout=60)
        assert program.returncode == 0, problems
        printed[how] = json.loads(output)
    return printed


@pytest.fixture(scope="module")
def exported(programs):
    return programs["early"]


@pytest.fixture(scope="module")
def spans(exported):
    return {span["name"]: span for span in exported["spans"]}


@pytest.fixture(scope="module")
def points(exported):
    """Every data point by its metric: [(attributes, point)]."""
    return points_of(exported)


def points_of(exported):
    return {
        metric["name"]: [(point["attributes"], point) for point in metric["data"]["data_points"]]
        for resource in exported["metrics"]["resource_metrics"]
        for scope in resource["scope_metrics"]
        if scope["scope"]["name"] == "streamui"
        for metric in scope["metrics"]
    }


def test_each_run_is_a_span_with_its_end(exported, spans):
    assert spans["run App.ask"]["attributes"] == {
        "streamui.function": "App.ask",
        "streamui.status": "done",
    }
    failed = spans["run App.fail"]
    assert failed["attributes"]["streamui.status"] == "error"
    assert failed["attributes"]["error.type"] == "server_error"
    assert failed["status"]["status_code"] == "ERROR"
    assert [span["name"] for span in exported["spans"]].count("run App.ask") == 1


def test_each_call_to_a_model_is_a_span_of_the_conventions_below_its_run(exported, spans):
    call = next(
        s
        for s in exported["spans"]
        if s["name"].startswith("chat") and "error.type" not in s["attributes"]
    )
    assert call["name"] == "chat streamui-demo"
    assert call["kind"] == "SpanKind.CLIENT"
    assert call["parent_id"] == spans["run App.ask"]["context"]["span_id"]
    told = dict(call["attributes"])
    assert told.pop("server.port") > 0
    assert told.pop("gen_ai.response.id")
    assert told.pop("gen_ai.usage.input_tokens") > 0
    assert told.pop("gen_ai.usage.output_tokens") > 0
    assert 0 < told.pop("gen_ai.response.time_to_first_chunk") < 10
    told.pop("gen_ai.usage.cache_read.input_tokens", None)
    told.pop("gen_ai.usage.reasoning.output_tokens", None)
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "streamui-demo",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "streamui-demo",
        "gen_ai.response.finish_reasons": ["stop"],
        "openai.api.type": "responses",
        "server.address": "127.0.0.1",
    }


def test_a_failed_call_is_a_failed_span(exported):
    (call,) = [
        s
        for s in exported["spans"]
        if "gen_ai.operation.name" in s["attributes"] and "error.type" in s["attributes"]
    ]
    assert call["attributes"]["error.type"] == "server_error"
    assert call["status"]["status_code"] == "ERROR"


def test_spans_and_metrics_hold_nothing_of_what_was_said(exported):
    written = json.dumps([exported["spans"], exported["metrics"]])
    assert "marmalade" not in written
    assert "page-token" not in written


def test_streams_are_measured(points):
    ask = {"streamui.function": "App.ask"}

    def value(name, attributes):
        return next(point["value"] for found, point in points[name] if found == attributes)

    assert value("streamui.stream.started", ask) == 1
    assert value("streamui.stream.active", ask) == 0
    assert value("streamui.stream.active", {"streamui.function": "App.linger"}) == 1
    assert value("streamui.stream.chunks", ask) >= 8
    assert value("streamui.stream.bytes", ask) > 20
    assert value("streamui.stream.stalls", ask) >= 0  # a busy machine may well pause
    assert value("streamui.stream.stalled", {}) == 0
    assert value("streamui.stream.memory", {}) > 0
    running = {"streamui.function": "App.linger", "streamui.state": "running"}
    assert value("streamui.run.active", running) == 1
    assert value("streamui.page.active", {}) == 0


def test_times_are_measured_at_each_end(points):
    def one(name, **attributes):
        wanted = {f"streamui.{key}": word for key, word in attributes.items()}
        return next(p for found, p in points[name] if wanted.items() <= found.items())

    assert one("streamui.stream.duration", function="App.ask", status="done")["count"] == 1
    assert one("streamui.stream.time_to_first_chunk", function="App.ask")["count"] == 1
    assert one("streamui.run.duration", function="App.fail", status="error")["count"] == 1
    bounds = one("streamui.run.duration", function="App.ask")["explicit_bounds"]
    assert bounds[0] == 0.01
    assert bounds[-1] == 81.92


def test_models_are_measured_by_the_names_of_the_conventions(points):
    spent = {
        found["gen_ai.token.type"]: point for found, point in points["gen_ai.client.token.usage"]
    }
    assert spent["input"]["sum"] > 0
    assert spent["output"]["sum"] > 0
    durations = points["gen_ai.client.operation.duration"]
    assert {found.get("error.type") for found, _ in durations} == {None, "server_error"}
    assert all(found["gen_ai.request.model"] == "streamui-demo" for found, _ in durations)
    (first,) = points["gen_ai.client.operation.time_to_first_chunk"]
    assert first[1]["count"] == 1


def test_an_app_that_sets_it_up_late_is_heard_from_then_on(programs):
    exported = programs["late"]
    names = [span["name"] for span in exported["spans"]]
    assert names.count("run App.ask") == 1
    started = dict(
        (a["streamui.function"], p["value"])
        for a, p in points_of(exported)["streamui.stream.started"]
    )
    assert started["App.ask"] == 2  # counted from the start, whoever listens


def test_an_app_without_it_loads_nothing_of_it_and_is_counted_all_the_same(programs):
    found = programs["without"]
    assert found["imported"] == []
    assert found["stats"]["functions"]["App.ask"]["runs"]["ends"] == {"done": 1}
