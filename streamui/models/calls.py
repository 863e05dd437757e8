"""Calls to models: what each one was, and what all of them add up to."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from streamui.models.body import request_of, requested_model, seconds_taken
from streamui.models.events import ModelEvent
from streamui.streamable.totals import MOST_NAMES, OTHER, Spread, bounded

logger = logging.getLogger("streamui")
_OUTPUT = ("text-delta", "reasoning-delta", "refusal-delta", "tool-call-start")
_lock = threading.RLock()
_totals: dict[str, CallTotals] = {}
_running = 0

on_begin: list[Callable[[ModelCall], Callable[[], None]]] = []
"""Called with each call that begins; what that gives is called when the call has ended."""


@contextmanager
def _whoever_measures_fails() -> Generator[None]:
    """Keep what listens from breaking what is listened to."""
    try:
        yield
    except Exception:
        logger.warning("what listens to calls to models failed", exc_info=True)


class ModelCall:
    """One call to a model, as the reading of its stream sees it; nothing of what was said.

    Attributes:
        begun: When it was begun, in seconds of ``time.monotonic``: when its request was sent,
            where that can be known, else when its stream was handed over to be read.
        seconds: How long it took until the end of the answer; 0 while it goes on.
        first_chunk: Seconds until the first output; ``None`` before that.
        api: ``responses``, ``chat_completions`` or ``assistants``; empty for a plain iterable.
        model: The model that was asked for; empty where that cannot be known.
        answered_by: The model that answered, as the provider calls it.
        host: The provider's host, and
        port: its port.
        response_id: The provider's id of the answer.
        finish_reason: Why the model stopped; empty if it did not.
        code: The kind of failure, ``cancelled`` if somebody stopped it; empty if all is well.
        input_tokens: Tokens of the request; ``None`` when the provider did not say.
        output_tokens: Tokens of the answer.
        details: The provider's finer counts.
        retries: How often it was asked again, or its stream resumed.
    """

    def __init__(self) -> None:
        global _running
        self.begun = time.monotonic()
        self.seconds = 0.0
        self.first_chunk: float | None = None
        self.api = self.model = self.answered_by = self.host = ""
        self.port: int | None = None
        self.response_id = self.finish_reason = ""
        self.code = "cancelled"
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.details: Mapping[str, int] = {}
        self.retries = 0
        self._ended = False
        with _lock:
            _running += 1
        self._tell: list[Callable[[], None]] = []
        for hear in on_begin:
            with _whoever_measures_fails():
                self._tell.append(hear(self))

    def see_item(self, item: Any) -> None:
        """Look at what the provider sent."""
        if not self.answered_by and self.first_chunk is None:
            # In an event of its own, a response's, or the run's of an assistant.
            said = getattr(item, "response", None) or getattr(item, "data", None) or item
            model = getattr(said, "model", None)
            self.answered_by = model[:100] if isinstance(model, str) else ""

    def see(self, event: ModelEvent) -> None:
        """Look at what became of it."""
        if event.type in _OUTPUT:
            if self.first_chunk is None:
                self.first_chunk = time.monotonic() - self.begun
        elif event.type == "usage":
            self.input_tokens, self.output_tokens = event.input_tokens, event.output_tokens
            self.details = event.details
        elif event.type == "retry":
            self.retries += 1
        elif event.type == "finish":
            self.finish_reason, self.response_id = event.reason, event.response_id
            self._conclude("")
        elif event.type == "error":
            self._conclude(event.code)

    def _conclude(self, code: str) -> None:
        self.code = code
        self.seconds = time.monotonic() - self.begun

    def end(self, source: object) -> None:
        """Count it, once.

        Args:
            source: The stream that was read, closed by now, or what opening it raised.
        """
        if self._count(source):
            self._tell_end()

    def drop(self, source: object, loop: asyncio.AbstractEventLoop | None) -> None:
        """Count it although nobody reads it to its end; the garbage collector may call this.

        Args:
            source: The stream that was read.
            loop: Where to tell who wants to know, who may take a lock.
        """
        if self._count(source) and self._tell and loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._tell_end)

    def _tell_end(self) -> None:
        tell, self._tell = self._tell, []
        for each in tell:
            with _whoever_measures_fails():
                each()

    def _count(self, source: object) -> bool:
        global _running
        with _lock:
            if self._ended:
                return False
            self._ended = True
            _running -= 1
        if not self.seconds:
            self._conclude(self.code)
        self._look_at_request(source)
        with _lock:
            name = bounded(_totals, self.answered_by or self.model)
            _totals.setdefault(name, CallTotals()).add(self)
        return True

    def _look_at_request(self, source: object) -> None:
        request = request_of(source)
        if request is None:
            return
        self.model = requested_model(request)
        self.host, self.port = str(request.url.host), request.url.port
        if self.port is None:
            self.port = 80 if request.url.scheme == "http" else 443
        path = str(request.url.path)
        self.api = "chat_completions" if path.endswith("/chat/completions") else "responses"
        if "/threads/" in path:
            self.api = "assistants"
        taken = seconds_taken(source)
        if taken is not None and (earlier := self.begun - (time.monotonic() - taken)) > 0:
            self.begun -= earlier
            self.seconds += earlier
            if self.first_chunk is not None:
                self.first_chunk += earlier


@dataclass(slots=True)
class CallTotals:
    """What many calls add up to.

    Attributes:
        ends: Calls that ended, by the kind of failure; ``""`` is well.
        input_tokens: Tokens of the requests, as far as the providers said.
        output_tokens: Tokens of the answers.
        retries: How often one was asked again, or its stream resumed.
        first_chunk: Seconds until the first output.
        duration: Seconds until the end of the answer.
    """

    ends: dict[str, int] = field(default_factory=dict[str, int])
    input_tokens: int = 0
    output_tokens: int = 0
    retries: int = 0
    first_chunk: Spread = field(default_factory=Spread)
    duration: Spread = field(default_factory=Spread)

    def add(self, call: ModelCall) -> None:
        """Add one that has ended."""
        code = call.code if call.code in self.ends or len(self.ends) < MOST_NAMES else OTHER
        self.ends[code] = self.ends.get(code, 0) + 1
        self.input_tokens += call.input_tokens or 0
        self.output_tokens += call.output_tokens or 0
        self.retries += call.retries
        self.duration.add(call.seconds)
        if call.first_chunk is not None:
            self.first_chunk.add(call.first_chunk)

    def merge(self, other: CallTotals) -> None:
        """Add all calls of another."""
        for code, count in other.ends.items():
            self.ends[code] = self.ends.get(code, 0) + count
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.retries += other.retries
        self.first_chunk.merge(other.first_chunk)
        self.duration.merge(other.duration)


def call_totals() -> tuple[int, dict[str, CallTotals]]:
    """Return how many calls are under way, and what those that ended add up to, by model."""
    with _lock:
        copies: dict[str, CallTotals] = {}
        for model, totals in _totals.items():
            copies[model] = CallTotals()
            copies[model].merge(totals)
        return _running, copies
