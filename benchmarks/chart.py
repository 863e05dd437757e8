"""The chart of a run: bars in an SVG file that reads well in light and dark."""

import math
from collections.abc import Iterator
from xml.sax.saxutils import escape

from benchmarks.cases import FLAT_OUT, RATE, Case
from benchmarks.measurement import limit
from benchmarks.report import amount, duration
from benchmarks.targets import Results

WIDTH, PANEL, BAR, GAP = 860, 410, 22, 28
MARGIN, NAME, VALUE = 24, 104, 64
ROWS = 4
"""As many bars as the fullest panel has: one per page that shows text."""

STYLE = """
  .card { fill: #ffffff; stroke: #d8dee4 }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #57606a }
  .title { font-weight: 600; fill: #1f2328 }
  .ours { font-weight: 600; fill: #1f2328 }
  .bar { fill: #c3c9d1 }
  .bar.ours { fill: #6e56cf }
  @media (prefers-color-scheme: dark) {
    .card { fill: #151b23; stroke: #3d444d }
    text { fill: #9198a1 }
    .title, .ours { fill: #f0f6fc }
    .bar { fill: #4b535d }
    .bar.ours { fill: #9e8cfc }
  }
"""

PANELS = (
    ("Received for 2,000 tokens (10 KB) at 200/s", Case("text", 2_000, RATE), "bytes"),
    ("8,000 tokens flat out: all visible after", Case("text", 8_000, FLAT_OUT), "all"),
    ("Server CPU for 8,000 tokens at 200/s", Case("text", 8_000, RATE), "cpu"),
    ("Markdown, 4,000 tokens in 20 s: done after", Case("markdown", 4_000, RATE), "all"),
)


def svg(results: Results) -> str:
    """Draw four panels of bars, the shorter the better.

    Args:
        results: The medians of a run; a case that is not in it leaves its panel empty.

    Returns:
        The SVG document.
    """
    height = 2 * _panel_height() + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="Benchmark: shorter is better">',
        f"<style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="10"/>',
    ]
    for number, (title, case, field) in enumerate(PANELS):
        left = MARGIN + number % 2 * PANEL
        top = MARGIN + number // 2 * _panel_height()
        lines.append(f'<text class="title" x="{left}" y="{top + 12}">{escape(title)}</text>')
        lines.extend(_bars(results, case, field, left, top + 26))
    return "\n".join([*lines, "</svg>", ""])


def _panel_height() -> int:
    return 26 + ROWS * GAP + MARGIN


def _bars(results: Results, case: Case, field: str, left: int, top: int) -> Iterator[str]:
    measured = {who: getattr(each, field) for (what, who), each in results.items() if what == case}
    # A bar that never ended is drawn as long as was waited for it.
    lengths = {
        who: limit(case) * 1000 if math.isinf(value) else value for who, value in measured.items()
    }
    room = PANEL - MARGIN - NAME - VALUE
    for row, (who, value) in enumerate(measured.items()):
        width = max(2.0, room * lengths[who] / (max(lengths.values()) or 1))
        y, kind = top + row * GAP, " ours" if who.ours else ""
        middle = y + BAR / 2 + 4.5
        yield f'<text class="{kind.strip()}" x="{left}" y="{middle}">{escape(who.name)}</text>'
        yield (
            f'<rect class="bar{kind}" x="{left + NAME}" y="{y}" width="{width:.1f}" '
            f'height="{BAR}" rx="3"/>'
        )
        label = escape(_label(case, field, value))
        x = left + NAME + width + 8
        yield f'<text class="{kind.strip()}" x="{x:.1f}" y="{middle}">{label}</text>'


def _label(case: Case, field: str, value: float) -> str:
    if field == "bytes":
        return amount(value)
    return f"{value:.2f} s" if field == "cpu" else duration(value, limit(case))
