"""However often a page asks, it is answered one at a time, and not all the time."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from streamui.page.questions import MOST, Questions


class Answering:
    """Answers when it is told to, and keeps what it was asked."""

    def __init__(self):
        self.questions = Questions()
        self.asked: list[tuple[dict[str, int], list[str]]] = []
        self.begun: list[float] = []
        self.takes = 0.0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.there = True

    def ask(self, streams: Any, held: Any = None) -> asyncio.Task[None]:
        self.questions.note(streams, held)
        return asyncio.create_task(self.questions.answer(self.answer, lambda: self.there))

    async def answer(self, offsets, held):
        self.begun.append(time.monotonic())
        self.asked.append((offsets, held))
        await self.go_on.wait()
        await asyncio.sleep(self.takes)
        if "fail" in offsets:
            raise ValueError("no")


async def test_what_is_asked_during_an_answer_is_answered_together():
    page = Answering()
    page.go_on.clear()
    tasks = [page.ask({"first": 0})]
    await asyncio.sleep(0)
    tasks += [page.ask({f"{number % 10}": number}, [f"{number % 20}"]) for number in range(1000)]
    await asyncio.sleep(0)
    assert sum(task.done() for task in tasks) == 1000
    page.go_on.set()
    await asyncio.gather(*tasks)
    latest = {f"{number % 10}": number for number in range(990, 1000)}
    assert page.asked == [({"first": 0}, []), (latest, [f"{number}" for number in range(20)])]


async def test_who_asks_all_the_time_is_answered_a_fifth_of_it_and_others_at_once():
    page, other = Answering(), Answering()
    page.takes = 0.03
    for _ in range(3):
        await page.ask({"a": 0})
    between = [late - early for early, late in pairwise(page.begun)]
    assert min(between) >= 5 * 0.03 - 0.01
    asking = page.ask({"a": 0})
    await other.ask({"a": 0})
    assert other.asked
    assert not asking.done()
    await asking


async def test_what_a_page_asks_for_is_bounded():
    page = Answering()
    page.go_on.clear()
    tasks = [page.ask({"first": 0})]
    await asyncio.sleep(0)
    for turn in range(3):
        names = [f"{turn} {number}" for number in range(MOST)]
        tasks.append(page.ask(dict.fromkeys(names, 0), names))
    page.go_on.set()
    await asyncio.gather(*tasks)
    assert [(len(offsets), len(held)) for offsets, held in page.asked] == [(1, 0), (MOST, MOST)]


@pytest.mark.parametrize(
    ("streams", "held"),
    [
        (None, None),
        ([], {}),
        ({"x" * 257: 0}, ["x" * 257]),
        ({"a": "0", "b": True, "c": None, "d": 1.0, 7: 1}, [None, 7, ["a"]]),
    ],
)
async def test_what_makes_no_sense_is_not_answered(streams, held):
    page = Answering()
    await page.ask(streams, held)
    assert page.asked == []


async def test_nobody_is_answered_who_has_left():
    page = Answering()
    page.there = False
    await page.ask({"a": 0})
    assert page.asked == []


async def test_an_answer_that_fails_keeps_nobody_waiting():
    page = Answering()
    page.go_on.clear()
    first = page.ask({"fail": 0})
    await asyncio.sleep(0)
    await page.ask({"b": 0})
    page.go_on.set()
    with pytest.raises(ValueError, match="no"):
        await first
    assert [list(offsets) for offsets, _ in page.asked] == [["fail"], ["b"]]
    await page.ask({"c": 0})
    assert len(page.asked) == 3
