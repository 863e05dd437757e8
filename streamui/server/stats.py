"""``stats()``: what this process streams now, and has streamed since it started."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from streamui.models.calls import CallTotals, call_totals
from streamui.server.figures import (
    FunctionStats,
    ModelStats,
    PageStats,
    RunStats,
    Stats,
    StreamNow,
    StreamStats,
    Times,
)
from streamui.server.limits import connections, open_runs
from streamui.server.metrics import RunTotals, pages, run_totals
from streamui.store.store import store
from streamui.streamable.log import Status
from streamui.streamable.meter import OpenStream, find_open, open_streams, stream_totals
from streamui.streamable.quota import open_streams as open_streams_quota
from streamui.streamable.totals import Spread, StreamTotals

_begun = time.time()


def stats(limit: int = 1000) -> Stats:
    """Return what this process streams now, and has streamed since it started.

    The counts are exact; none ever goes down. Other processes of the app have numbers of their
    own. It holds no content and no id, but says what is going on: it is for those who run the app.

    Args:
        limit: How many open streams to list.
    """
    streams, runs = stream_totals(), run_totals()
    running, calls = call_totals()
    under_way = open_streams()
    everything, all_runs = StreamTotals(), RunTotals()
    for totals in streams.values():
        everything.merge(totals)
    for each in runs.values():
        all_runs.merge(each)
    functions = {
        function: FunctionStats(
            _streams(streams.get(function, StreamTotals())), _runs(runs.get(function, RunTotals()))
        )
        for function in {**streams, **runs}
    }
    now = time.time()
    return Stats(
        time=now,
        uptime=now - _begun,
        streams=_streams(everything),
        runs=_runs(all_runs),
        functions=functions,
        models={model: _calls(totals) for model, totals in calls.items()},
        calls=running,
        pages=PageStats(pages.connected(), pages.frames, pages.bytes),
        connections=len(connections),
        refused=refusals(),
        memory=memory_held(under_way),
        open=[_now(stream) for stream in under_way[:limit]],
    )


def stop_open(number: int) -> bool:
    """Stop whoever makes an open stream of this process, so that it ends as ``cancelled``.

    Whoever calls this decides who may.

    Args:
        number: Of the stream, as :func:`stats` lists it.

    Returns:
        Whether it was open.
    """
    streamable = find_open(number)
    if streamable is None:
        return False
    streamable.stop()
    return True


def refusals() -> dict[str, int]:
    """Return how often something was one too many, by the setting that says how many."""
    return open_streams_quota.refused | open_runs.refused | connections.refused


def memory_held(under_way: list[OpenStream]) -> int:
    """Return the bytes of content that are held for readers, open streams and ended ones.

    Args:
        under_way: The streams that are open; the store need not know them yet.
    """
    return store.memory + sum(stream.log.memory for stream in under_way if not stream.meter.known)


def _now(stream: OpenStream) -> StreamNow:
    meter, log = stream.meter, stream.log
    now = time.monotonic()
    age, chunks, size = max(0.0, now - meter.begun), log.writes, log.count_bytes()
    return StreamNow(
        number=meter.number,
        function=meter.function,
        made_at=os.path.basename(meter.made_at),
        status="waiting" if stream.waiting else "streaming",
        stalled=stream.stalled(now),
        age=age,
        idle=max(0.0, now - log.last_write),
        first_chunk=meter.first_chunk(),
        chunks=chunks,
        bytes=size,
        chunks_per_second=chunks / age if age else 0.0,
        bytes_per_second=size / age if age else 0.0,
    )


def _streams(totals: StreamTotals) -> StreamStats:
    ends, errors = _split(totals.ends)
    return StreamStats(
        started=totals.started,
        open=totals.open,
        ends=ends,
        errors=errors,
        chunks=totals.chunks,
        bytes=totals.bytes,
        stalls=totals.stalls,
        first_chunk=_times(totals.first_chunk),
        duration=_times(totals.duration),
    )


def _runs(totals: RunTotals) -> RunStats:
    ends, errors = _split(totals.ends)
    duration = _times(totals.duration)
    return RunStats(totals.started, totals.running, totals.waiting, ends, errors, duration)


def _calls(totals: CallTotals) -> ModelStats:
    return ModelStats(
        ended=sum(totals.ends.values()),
        errors={code: count for code, count in totals.ends.items() if code},
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        retries=totals.retries,
        first_chunk=_times(totals.first_chunk),
        duration=_times(totals.duration),
    )


def _split(
    counts: Mapping[tuple[Status, str], int] | Mapping[tuple[str, str], int],
) -> tuple[dict[str, int], dict[str, int]]:
    ends: dict[str, int] = {}
    errors: dict[str, int] = {}
    for (status, code), count in counts.items():
        ends[status] = ends.get(status, 0) + count
        if code:
            errors[code] = errors.get(code, 0) + count
    return ends, errors


def _times(spread: Spread) -> Times:
    count = spread.count
    mean = spread.sum / count if count else None
    return Times(count, mean, spread.quantile(0.5), spread.quantile(0.95))
