"""What our page has to reach, and whether it did."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.cases import CONTESTANTS, FLAT_OUT, RATE, Case, Contestant
from benchmarks.measurement import Measurement
from benchmarks.tokens import TOKEN_LENGTH

Results = Mapping[tuple[Case, Contestant], Measurement]

OURS, PLAIN, SSE, USECHAT, OUR_MARKDOWN, PLAIN_MARKDOWN = CONTESTANTS
RIVALS = {OURS: (PLAIN, SSE, USECHAT), OUR_MARKDOWN: (PLAIN_MARKDOWN,)}


@dataclass(frozen=True)
class Check:
    """One target held against one measurement.

    Attributes:
        what: What is measured, in words.
        value: What it came to.
        most: What it may come to.
        unit: The unit of both.
    """

    what: str
    value: float
    most: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the value is within the target."""
        return self.value <= self.most


def checks(results: Results) -> Iterator[Check]:
    """Hold every measured case of our pages against its targets.

    Args:
        results: The medians of a run; cases and rivals that are not in it are not checked.

    Yields:
        The checks that the run allows.
    """
    for (case, contestant), ours in results.items():
        if contestant == OURS:
            yield from _text_checks(case, ours, results)
        elif contestant == OUR_MARKDOWN:
            name = case.title
            yield Check(f"{name}: done, of the stream's length",
                        ours.all / 1000 / case.seconds, 1.1, "x")  # fmt: skip
            yield Check(f"{name}: longest task", ours.longest, 100, "ms")
    yield from _first_token_checks(results)


def _text_checks(case: Case, ours: Measurement, results: Results) -> Iterator[Check]:
    name = case.title
    if case.rate == FLAT_OUT:
        text = case.count * TOKEN_LENGTH
        yield Check(f"{name}: bytes, of the text", ours.bytes / text, 1.3, "x")
    if case == Case("text", 2_000, RATE):
        yield Check(f"{name}: bytes", ours.bytes / 1000, 32, "KB")
    if case == Case("text", 8_000, FLAT_OUT):
        yield Check(f"{name}: all visible", ours.all, 150, "ms")
    for rival, most in ((PLAIN, 0.5), (USECHAT, 1.0)):
        theirs = results.get((case, rival))
        if theirs and theirs.cpu and case.rate == RATE:
            share = ours.cpu / theirs.cpu
            yield Check(f"{name}: server CPU, of {rival.name}'s", share, most, "x")


def _first_token_checks(results: Results) -> Iterator[Check]:
    # Over all lengths together: how long a stream will be does not delay its first token, and a
    # screen's frame of 17 ms is coarse beside what is measured.
    for rate, name in ((RATE, "at 200/s"), (FLAT_OUT, "flat out")):
        ours, bare = (
            [each.first for (case, one), each in results.items() if (case.rate, one) == (rate, who)]
            for who in (OURS, SSE)
        )
        if ours and bare:
            share = median(ours) / median(bare)
            yield Check(f"any length {name}: first token, of bare SSE", share, 1.3, "x")
