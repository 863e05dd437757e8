"""Measure, print and write the tables: `python -m benchmarks [--quick]`."""

import argparse
import signal
import sys
from contextlib import ExitStack
from functools import partial

from benchmarks.browser import Browser
from benchmarks.cases import CASES, CONTESTANTS, FLAT_OUT, LONG, RATE, Case, Contestant
from benchmarks.chart import svg
from benchmarks.measurement import Measurement, measure, middle
from benchmarks.report import circumstances, insert, measurements, ratios, verdicts
from benchmarks.servers import ROOT, reflex_server, sse_server, usechat_server
from benchmarks.targets import Results, checks

DOCUMENT = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
CHART = ROOT / "docs" / "images" / "bench.svg"
QUICK = (500, 1_000, 2_000)
SECTIONS = (
    ("Text at 200 tokens/s", "text", RATE),
    ("Text, flat out", "text", FLAT_OUT),
    ("Markdown at 200 tokens/s", "markdown", RATE),
)
SHOWN = (Case("text", 2_000, RATE), Case("text", 8_000, FLAT_OUT), Case("markdown", 4_000, RATE))
PICTURE = "![Bars: bytes, time and server CPU beside the rivals](docs/images/bench.svg)"
MORE = "All numbers, and how they are measured: [docs/benchmarks.md](docs/benchmarks.md)."


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="once, and no more than 2,000 tokens")
    parser.add_argument("--repeats", type=int, help="how often each case is run (3; quick: 1)")
    parser.add_argument("--kind", choices=["text", "markdown"], help="only one of the two tables")
    parser.add_argument("--rivals-only", action="store_true", help="leave our own pages out")
    options = parser.parse_args()
    # What is under `with` ends the servers and the browser; a signal must not get past it.
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _: sys.exit(128 + number))

    repeats = options.repeats or (1 if options.quick else 3)
    cases = [
        case
        for case in CASES
        if options.kind in (None, case.kind) and (not options.quick or case.count in QUICK)
    ]
    contestants = [each for each in CONTESTANTS if not (options.rivals_only and each.ours)]
    results, browser = run(cases, contestants, repeats)
    circumstance = circumstances(browser, repeats)
    print(f"\n{circumstance}\n{tables(results, cases)}")
    if len(cases) == len(CASES) and contestants == list(CONTESTANTS):
        write(results, cases, circumstance)
    else:
        print("Not all cases and pages were measured: nothing is written.")


def run(cases: list[Case], contestants: list[Contestant], repeats: int) -> tuple[Results, str]:
    """Measure all cases on all pages, in one browser.

    Args:
        cases: The streams.
        contestants: The pages.
        repeats: How often each.

    Returns:
        The medians, and the browser's name and version.
    """
    pairs = [
        (case, who)
        for case in cases
        for who in contestants
        if who.kind == case.kind and (who.ours or case != LONG)
    ]
    seen: dict[tuple[Case, Contestant], list[Measurement]] = {pair: [] for pair in pairs}
    with ExitStack() as stack:
        print("Building and starting the servers…", flush=True)
        rivals_only = not any(who.ours for who in contestants)
        starts = {
            "app": partial(reflex_server, rivals_only=rivals_only),
            "sse": sse_server,
            "usechat": usechat_server,
        }
        needed = {who.server for _, who in pairs}
        servers = {name: stack.enter_context(starts[name]()) for name in sorted(needed)}
        browser = stack.enter_context(Browser())
        for who in dict.fromkeys(who for _, who in pairs):
            # The first stream of a server pays for imports and caches of all later ones.
            first = next(case for case, one in pairs if one == who)
            measure(browser, servers[who.server], who, first)
        # Turn by turn, so that a slow minute of the machine does not fall on one page alone.
        for turn in range(repeats):
            for case, who in pairs:
                if case == LONG and turn:
                    continue
                measured = measure(browser, servers[who.server], who, case)
                seen[case, who].append(measured)
                print(f"{turn + 1}/{repeats} {case.button} {who.name}: {measured}", flush=True)
        return {pair: middle(each) for pair, each in seen.items()}, browser.version()


def tables(results: Results, cases: list[Case]) -> str:
    """Return every table of a run, as Markdown with headings."""
    parts = []
    for title, kind, rate in SECTIONS:
        some = [case for case in cases if (case.kind, case.rate) == (kind, rate)]
        if some:
            parts += [f"### {title}", measurements(results, some)]
    if any(who.ours for _, who in results):
        parts += ["### Ours divided by theirs", ratios(results)]
        parts += ["### Targets", verdicts(checks(results))]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def write(results: Results, cases: list[Case], circumstance: str) -> None:
    """Write the tables into the documentation, and the chart that the README shows."""
    CHART.parent.mkdir(parents=True, exist_ok=True)
    CHART.write_text(svg(results))
    some = [case for case in cases if case in SHOWN]
    short = f"{PICTURE}\n\n{measurements(results, some)}\n{circumstance}\n{MORE}\n"
    written = {
        DOCUMENT: insert(DOCUMENT, f"{circumstance}\n{tables(results, cases)}"),
        README: insert(README, short),
    }
    for path, done in written.items():
        print(f"{path.relative_to(ROOT)}: {'written' if done else 'no markers, left alone'}")


if __name__ == "__main__":
    main()
