"""What docs/testing.md shows works as it stands."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", (DOCS / "testing.md").read_text(), re.M | re.S)
# The last one wants a built page; tests/testing/test_app_server.py has its like.
SHOWN = [block for block in BLOCKS if "sync_playwright" not in block]


def run(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(block, "testing.md", "exec"), names)
    return names


@pytest.mark.parametrize("block", [block for block in SHOWN if "async def test_" in block])
async def test_what_the_page_shows_works(block: str) -> None:
    shown = [made for name, made in run(block).items() if name.startswith("test_")]
    assert shown
    for test in shown:
        assert inspect.iscoroutinefunction(test)
        await test()


def test_nothing_of_the_page_is_left_out() -> None:
    assert len(BLOCKS) == len(SHOWN) + 1
    assert sum("@pytest.fixture" in block for block in SHOWN) == 1
    for block in BLOCKS:
        run(block)
