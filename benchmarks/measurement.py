"""One stream on one page, measured from the click."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.browser import Browser, BrowserError, Page
from benchmarks.cases import Case, Contestant
from benchmarks.servers import Server
from benchmarks.tokens import ENDING, TOKEN_LENGTH, plain_text

PROBE = Path(__file__).parent / "probe.js"
PATIENCE = 5
"""How many times the stream's own length a page may take to show all of it."""
MOST_PATIENCE = 60.0
"""How long it may take at most, in seconds; also what a stream without pauses may take."""
LEAST_PATIENCE = 1.3
"""How many times its own length a stream may take in any case, however long it is."""


@dataclass(frozen=True)
class Measurement:
    """What one stream cost. A time that was not reached is infinite.

    Attributes:
        first: From the click until the first token is painted, in milliseconds.
        all: From the click until everything is painted, in milliseconds.
        bytes: Payload that the page received for it.
        frames: Websocket messages, or server-sent events, that carried it.
        cpu: Processor time of the server, user and system, in seconds.
        longest: The longest task of the page's main thread, in milliseconds; 0 if none was over 50.
    """

    first: float
    all: float
    bytes: float
    frames: float
    cpu: float
    longest: float


class WrongTextError(RuntimeError):
    """A page showed something else than was streamed: its numbers mean nothing."""


def limit(case: Case) -> float:
    """Return how long a page may take for a case before it is given up, in seconds."""
    usual = min(PATIENCE * case.seconds or MOST_PATIENCE, MOST_PATIENCE)
    return max(usual, LEAST_PATIENCE * case.seconds)


def measure(browser: Browser, server: Server, contestant: Contestant, case: Case) -> Measurement:
    """Run one case on one page.

    Args:
        browser: Where the page is opened, in a context of its own.
        server: The server that has the page.
        contestant: The page.
        case: The stream.

    Returns:
        The measurement.

    Raises:
        WrongTextError: If the page does not show the text that was streamed.
        BrowserError: If the page cannot be opened.
    """
    server.rest()
    with browser.page(server.url + contestant.path, script=PROBE) as page:
        page.wait(f"document.getElementById({json.dumps(case.button)}) !== null")
        if contestant.server == "app":
            page.wait("bench.connected()")
        page.wait("bench.quiet(500)")
        before = server.cpu()
        seen = _run(page, case)
        totals = _totals(page)
        used = server.cpu() - before
        if seen["all"] is not None and case.kind == "text":
            shown = page.evaluate("bench.text()")
            if shown != plain_text(case.count):
                raise WrongTextError(f"{contestant.name}, {case.count} tokens: {shown[:200]!r}…")
    return Measurement(
        first=seen["first"] or math.inf, all=seen["all"] or math.inf, cpu=used, **totals
    )


def _run(page: Page, case: Case) -> dict[str, Any]:
    goal = {
        "length": case.count * TOKEN_LENGTH,
        "ending": ENDING if case.kind == "markdown" else None,
        "limit": limit(case) * 1000,
    }
    script = f"bench.run({json.dumps(case.button)}, {json.dumps(goal)})"
    try:
        return page.evaluate(script, timeout=limit(case) + 10)
    except BrowserError:
        # Not even a timer gets its turn: the page is frozen.
        return {"first": None, "all": None}


def _totals(page: Page) -> dict[str, float]:
    # What closes the stream may come after its last token, and is part of its price.
    deadline = time.monotonic() + 5
    try:
        while not page.evaluate("bench.quiet(300)", timeout=5) and time.monotonic() < deadline:
            time.sleep(0.1)
        return page.evaluate("bench.totals()", timeout=5)
    except BrowserError:
        return dict.fromkeys(("bytes", "frames", "longest"), math.inf)


def middle(measurements: Sequence[Measurement]) -> Measurement:
    """Return the median of each number.

    Args:
        measurements: Repeats of the same case on the same page.
    """
    return Measurement(
        **{
            field.name: median(getattr(each, field.name) for each in measurements)
            for field in fields(Measurement)
        }
    )
