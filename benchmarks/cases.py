"""What is measured: which pages, how many tokens, how fast."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "markdown"]

RATE = 200
"""Tokens per second of a paced stream: a fast model."""
FLAT_OUT = 0


@dataclass(frozen=True)
class Contestant:
    """One page of the benchmark.

    Attributes:
        name: What the tables call it.
        path: Where its server has it.
        server: Which server that is: `app` (Reflex), `sse` (Starlette) or `usechat` (Node).
        kind: What it shows.
    """

    name: str
    path: str
    server: Literal["app", "sse", "usechat"]
    kind: Kind

    @property
    def ours(self) -> bool:
        """Whether this is the page made with streamui."""
        return self.path.startswith("/streamui")


@dataclass(frozen=True)
class Case:
    """One stream: how many tokens at what rate.

    Attributes:
        kind: Plain text or Markdown.
        count: How many tokens.
        rate: Tokens per second, `FLAT_OUT` for no pause at all.
    """

    kind: Kind
    count: int
    rate: int

    @property
    def seconds(self) -> float:
        """How long the stream itself takes, in seconds."""
        return self.count / self.rate if self.rate else 0.0

    @property
    def title(self) -> str:
        """What the tables call it, such as `2,000 tokens at 200/s`."""
        what = "tokens of Markdown" if self.kind == "markdown" else "tokens"
        return f"{self.count:,} {what} {f'at {self.rate}/s' if self.rate else 'flat out'}"

    @property
    def button(self) -> str:
        """The id of the button that starts it, the same on every page."""
        return f"run-{self.count}-{self.rate}"


CONTESTANTS = (
    Contestant("streamui", "/streamui", "app", "text"),
    Contestant("plain Reflex", "/plain", "app", "text"),
    Contestant("bare SSE", "/", "sse", "text"),
    Contestant("useChat", "/", "usechat", "text"),
    Contestant("ui.markdown", "/streamui-markdown", "app", "markdown"),
    Contestant("rx.markdown", "/plain-markdown", "app", "markdown"),
)

TEXT_CASES = tuple(
    Case("text", count, rate) for rate in (RATE, FLAT_OUT) for count in (500, 2_000, 8_000)
)
LONG = Case("markdown", 20_000, RATE)
"""Run once, and on our page only: rx.markdown does not even finish 4,000 tokens."""
MARKDOWN_CASES = (*(Case("markdown", count, RATE) for count in (1_000, 4_000)), LONG)
CASES = TEXT_CASES + MARKDOWN_CASES
