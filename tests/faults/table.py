"""The table of docs/reliability.md: which tests show which fault.

What a fault is and how it must end is written there by hand. Which tests show it, their names say:
``test_fault_07_…`` shows number 7, ``test_fault_56_57_…`` both. ``python -m tests.faults.table``
writes the last column anew; ``tests/test_faults.py`` fails where it is not what the tests say.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
NAME = re.compile(r"test_fault((?:_\d\d)+)_\w+")
ROW = re.compile(r"^\| (\d+) \| (.*) \| (.*) \| (.*) \|$", re.M)


class Row(NamedTuple):
    """A line of the table."""

    number: int
    fault: str
    outcome: str
    shown_by: str


def rows() -> list[Row]:
    """The table as it stands."""
    return [Row(int(number), *rest) for number, *rest in ROW.findall(PAGE.read_text())]


def found_tests() -> dict[int, list[str]]:
    """The tests of each number, as pytest is told to run them."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if match := NAME.fullmatch(node.name):
                for number in re.findall(r"\d\d", match[1]):
                    found[int(number)].append(f"{path.relative_to(ROOT)}::{node.name}")
    return found


def shown_by(names: list[str]) -> str:
    """The last cell of a row."""
    return "<br>".join(f"`{name}`" for name in names)


def main() -> None:
    """Write the last column anew."""
    found = found_tests()

    def line(match: re.Match[str]) -> str:
        number, fault, outcome, _ = match.groups()
        return f"| {number} | {fault} | {outcome} | {shown_by(found[int(number)])} |"

    PAGE.write_text(ROW.sub(line, PAGE.read_text()))


if __name__ == "__main__":
    main()
