"""What tests of the metrics share: a function of their own to count under, and a clock."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

from streamui.server import stats
from streamui.server.run import Run
from streamui.streamable import base, meter, writer
from streamui.streamable.meter import stream_totals
from streamui.streamable.scope import current_scope

_numbers = itertools.count()


class Function:
    """Makes streams as a server function does, and has their numbers to itself."""

    def __init__(self):
        self.label = f"tests.function{next(_numbers)}"
        self.run = Run(self.label, "", label=self.label)

    def make(self, kind, *arguments):
        token = current_scope.set(self.run)
        try:
            return kind(*arguments)
        finally:
            current_scope.reset(token)

    def end(self):
        """End what the test has left open, before another one moves the clock."""
        self.run._end_streamables("cancelled")

    @property
    def totals(self):
        return stream_totals()[self.label]


class Clock:
    """Time that the test moves."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        mine = SimpleNamespace(monotonic=lambda: self.now, time=time.time)
        for module in (writer, meter, stats):
            monkeypatch.setattr(module, "time", mine)
        monkeypatch.setattr(base, "watch_open", lambda streamable: None)
