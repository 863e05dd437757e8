from __future__ import annotations

import pytest

from streamui.settings import settings
from streamui.store.redis.absences import Absences


@pytest.fixture
def absences(monkeypatch):
    monkeypatch.setattr(settings, "lease", 8.0)
    return Absences()


def look(absences: Absences, times: list[float], missing: str = "a") -> set[str]:
    gone: set[str] = set()
    for time in times:
        gone = absences.note(missing, time, time + 0.01)
    return gone


def test_what_is_missing_for_half_a_lease_is_gone(absences):
    assert look(absences, [100 + tenths / 2 for tenths in range(8)]) == set()
    assert look(absences, [104.0]) == set()
    assert look(absences, [104.5]) == {"a"}


def test_what_was_there_for_a_moment_begins_anew(absences):
    look(absences, [100 + tenths / 2 for tenths in range(8)])
    look(absences, [104.0], missing="")
    assert look(absences, [104.5 + tenths / 2 for tenths in range(8)]) == set()


def test_time_in_which_nobody_looked_does_not_count(absences):
    assert look(absences, [100, 103]) == set()
    assert look(absences, [106, 109, 112, 115]) == set()


def test_time_in_which_redis_did_not_answer_does_not_count(absences):
    look(absences, [100, 101, 102])
    assert absences.note("a", 103, 106) == set()
    assert absences.note("a", 106.5, 106.6) == set()
