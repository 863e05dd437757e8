"""A client of streams over HTTP that knows httpx and nothing else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx


@dataclass
class Reading:
    """What came of a stream so far.

    Attributes:
        text: Its text.
        ends: The events that ended it; a response that was closed to be resumed has none.
        last: The id of the last event.
    """

    text: str = ""
    ends: list[str] = field(default_factory=list[str])
    last: str = field(default="", compare=False)

    def go_on(self, port: int, path: str) -> Reading:
        """Read on at a worker, until it ends its response or breaks it off."""
        headers = {"accept": "text/event-stream"}
        if self.last:
            headers["last-event-id"] = self.last
        url = f"http://127.0.0.1:{port}{path}"
        with httpx.Client(trust_env=False, timeout=30) as client:
            with client.stream("GET", url, headers=headers) as response:
                assert response.status_code == 200, response.read()
                with contextlib.suppress(httpx.RemoteProtocolError):
                    self._take_all(response.iter_lines())
        return self

    def _take_all(self, lines: Iterator[str]) -> None:
        event = ""
        for line in lines:
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                self.last = value
            elif name == "data":
                self._take(json.loads(value), event)
                event = ""

    def _take(self, content: dict[str, str], event: str) -> None:
        self.text = content.get("value", self.text) + content.get("append", "")
        if event:
            self.ends.append(event)


def read(port: int, path: str) -> Reading:
    """Read a stream of a worker from its beginning, until the worker ends its response."""
    return Reading().go_on(port, path)
