"""Each of the 63 faults of docs/reliability.md has its tests, and each of those is named there."""

from __future__ import annotations

import pytest

from tests.faults.table import Row, found_tests, rows, shown_by

NUMBERS = range(1, 64)
SHOWN = found_tests()


def test_the_table_has_every_number_once_and_in_order() -> None:
    assert [row.number for row in rows()] == list(NUMBERS)


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row.number))
def test_the_tests_that_show_a_fault_are_named(row: Row) -> None:
    assert row.fault and row.outcome
    first = f"::test_fault_{row.number:02}_"
    assert any(first in name for name in SHOWN[row.number]), "no test begins with its number"
    hint = "python -m tests.faults.table writes the column anew"
    assert row.shown_by == shown_by(SHOWN[row.number]), hint


def test_no_test_shows_a_fault_that_there_is_not() -> None:
    assert set(SHOWN) <= set(NUMBERS)
