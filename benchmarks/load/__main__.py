"""Run the cases one after another: `python -m benchmarks.load [case …]`."""

import argparse
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.load.outcome import Outcome
from benchmarks.report import insert, machine, table
from benchmarks.servers import ROOT

CASES = ("memory", "shared", "sessions", "idle", "short", "stalled")
DOCUMENT = ROOT / "docs" / "scale.md"
PATIENCE = 300
"""Seconds that one case may take."""


def main() -> None:
    """Run what the command line names, by default all; exit with 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("cases", nargs="*", help=", ".join(CASES))
    chosen = parser.parse_args().cases or CASES
    outcomes = [run(case) for case in chosen]
    content = f"{machine()}\n\n{table(['what', '', 'measured', 'target'], rows(outcomes))}"
    print(f"\n{content}")
    if set(chosen) >= set(CASES):
        insert(DOCUMENT, content)
        print(f"{DOCUMENT.relative_to(ROOT)}: written")
    sys.exit(not all(check.passed for outcome in outcomes for check in outcome.checks))


def run(case: str) -> Outcome:
    """Run one case in a process of its own, so that it pays for no other."""
    print(f"{case}…", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.load.{case}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Outcome.heard(done.stdout)


def rows(outcomes: list[Outcome]) -> Iterator[list[str]]:
    """Make the rows of the table."""
    for outcome in outcomes:
        for check in outcome.checks:
            verdict = "pass" if check.passed else "**miss**"
            yield [
                check.what,
                verdict,
                f"{check.value:.3g} {check.unit}",
                f"≤ {check.most:g} {check.unit}",
            ]
        share = outcome.cpu / outcome.seconds
        yield [f"{outcome.name}: processor", "", f"{share:.2f} cores", ""]


if __name__ == "__main__":
    main()
