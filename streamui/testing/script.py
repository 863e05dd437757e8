"""What a scripted model says: replies, calls, faults, and where it waits for the test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

_PATIENCE = 10.0

UNSET: Final = object()
"""In place of an object, which may be ``None``."""


class Pause:
    """A place in a reply where the model waits until the test lets it go on.

    Put it between the pieces of a text::

        pause = Pause()
        with ScriptedModel([Reply(["Hel", pause, "lo"])]) as model:
            ...             # ask
            pause.wait()    # "Hel" is sent, and nothing else
            pause.release()
    """

    def __init__(self) -> None:
        self._arrived: Future[None] = Future()
        self._released: Future[None] = Future()

    def wait(self, seconds: float = _PATIENCE) -> None:
        """Block until the model has come here; in an event loop await :meth:`reached`.

        Args:
            seconds: The most to wait.

        Raises:
            TimeoutError: It did not.
        """
        self._arrived.result(seconds)

    async def reached(self, seconds: float = _PATIENCE) -> None:
        """Wait until the model has come here.

        Args:
            seconds: The most to wait.

        Raises:
            TimeoutError: It did not.
        """
        async with asyncio.timeout(seconds):
            await asyncio.shield(asyncio.wrap_future(self._arrived))

    def release(self) -> None:
        """Let the model go on; before it has come here, too, and any number of times."""
        if not self._released.done():
            self._released.set_result(None)

    async def hold(self) -> None:
        """Wait for the release; for the model."""
        if not self._arrived.done():
            self._arrived.set_result(None)
        # A shield: who leaves must not let the others go.
        await asyncio.shield(asyncio.wrap_future(self._released))


@dataclass(frozen=True, slots=True)
class Call:
    """A function that the model calls.

    Attributes:
        name: The function.
        arguments: Its arguments, or their JSON text: that need not be right.
        id: Under which its result is wanted; ``""`` for one that is made up.
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict[str, Any])
    id: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says to one request, in this order: reasoning, text, calls.

    Attributes:
        text: What it says: sent word by word, or in these very pieces, where a :class:`Pause`
            may stand between them.
        tool_calls: The functions that it calls.
        object: In place of a text, something that is sent as JSON: structured output. A pydantic
            model will do.
        reasoning: What it shows of its thinking, likewise.
        refusal: In place of a text, how it declines.
        incomplete: Whether it ends as if at the limit of its tokens.
        delay: Seconds between the pieces.
        wait: What comes before the first byte: seconds, or a :class:`Pause`.
    """

    text: str | Sequence[str | Pause] = ""
    tool_calls: Sequence[Call] = ()
    object: Any = UNSET
    reasoning: str | Sequence[str] = ""
    refusal: str = ""
    incomplete: bool = False
    delay: float = 0.0
    wait: float | Pause = 0.0

    def __post_init__(self) -> None:
        if bool(self.text) + bool(self.refusal) + (self.object is not UNSET) > 1:
            raise ValueError("a reply has a text, an object or a refusal, not several of them")


KINDS: Mapping[str, tuple[int, str]] = {
    "rate_limited": (429, ""),
    "quota": (429, "insufficient_quota"),
    "overloaded": (503, ""),
    "server_error": (500, ""),
    "timeout": (504, ""),
    "authentication": (401, ""),
    "permission_denied": (403, ""),
    "not_found": (404, ""),
    "bad_request": (400, ""),
    "conflict": (409, ""),
    "context_length": (400, "context_length_exceeded"),
}
"""The faults that are an error of the API: its HTTP status and its code, where it is not usual."""

CONNECTION_KINDS = ("cut", "stall", "malformed", "connection")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        kind: An HTTP status; or the code of the :class:`~streamui.errors.ModelError` that it
            leads to, such as ``"overloaded"`` (see :data:`KINDS`); or ``"cut"`` for a connection
            that breaks, ``"connection"`` for one that breaks before any answer, ``"stall"`` for
            a stream without news, ``"malformed"`` for bytes that nobody can read.
        after: How many pieces of ``text`` are streamed before it happens. An error of the API
            is an HTTP status for 0, and an event inside of the stream for more.
        text: What is streamed before; pieces as those of a :class:`Reply`.
        message: What the provider says.
        code: The provider's own code, in place of the usual.
        headers: To send with an HTTP status.
        retry_after: Seconds to say with an HTTP status.
        data: The bytes of ``"malformed"``, inside of a stream.
        body: All of the answer to ``"malformed"``, with status 200: a web page, say. The content
            type is among the ``headers``.
    """

    kind: str | int
    after: int = 0
    text: str | Sequence[str | Pause] = ""
    message: str = ""
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    retry_after: float | None = None
    data: bytes = b""
    body: bytes = b""

    def __post_init__(self) -> None:
        if isinstance(self.kind, str) and self.kind not in (*KINDS, *CONNECTION_KINDS):
            known = ", ".join([*KINDS, *CONNECTION_KINDS])
            raise ValueError(f"no fault is called {self.kind!r}; there are: {known}")
        if isinstance(self.kind, int) and not 400 <= self.kind <= 599:
            raise ValueError("a fault's HTTP status is between 400 and 599")
