"""What a page says to the server about its streams: which it needs, and what to stop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import islice
from typing import Any

from reflex.state import State
from reflex_base.event import event
from reflex_base.vars.base import computed_var
from reflex_components_sonner.toast import toast

from streamui.errors import StoreUnavailableError, StreamNotFoundError
from streamui.page import link
from streamui.page.frames import pages
from streamui.page.page import TOO_MANY
from streamui.page.questions import MOST, is_name
from streamui.page.state_walk import find_streamables
from streamui.server.access import readable
from streamui.server.approvals import answer
from streamui.server.stopping import stop_calls, stop_stream
from streamui.settings import settings
from streamui.store.store import store
from streamui.streamable.failure import LOST, Failure
from streamui.streamable.log import Log

_RESTARTED = "The server has restarted, and what it was writing here is lost."
_LONGEST_REASON = 2_000  # characters


class StreamConnection(State):
    """The page's side of the wire: one instance per page, as with any Reflex state."""

    @computed_var
    def socket(self) -> str:
        """The socket session; it changes with each connection, and then the page says hello."""
        return self.router.session.session_id

    @computed_var(cache=False, initial_value=True)
    async def breathes(self) -> bool:
        """Always true, and computed at each yield of a handler: there frames may leave.

        Without it a plain ``def`` generator that only writes to its streamables would run to
        its end in one go: a yield that changes no variable gives the event loop no turn.
        """
        await pages.breathe(self.router.session.client_token)
        return True

    @event(background=True)
    async def hello(self, streams: dict[str, int], held: list[str] | None = None):
        """Say which streams the page follows and from where on it needs them.

        Args:
            streams: Offsets by stream id.
            held: Ended streams whose value the page has.
        """
        token = link.current_token()
        page = pages.of(token) if token is not None else None
        if token is None or page is None:
            return
        lost: list[bool] = []

        async def answer(offsets: dict[str, int], has: list[str]) -> None:
            lost.append(await _answer(self, token, offsets, has))

        page.questions.note(streams, held)
        await page.questions.answer(answer, lambda: pages.of(token) is page)
        if any(lost):
            # Its state has it no more either, so nothing on the page would say so.
            return toast.warning(_RESTARTED, id="streamui-restarted")

    @event(background=True)
    async def stop_runs(self, name: str):
        """Stop the running calls of a server function on this page.

        Args:
            name: The function, as :func:`streamui.stop` wrote it.
        """
        token = link.current_token()
        if token is not None and is_name(name):
            await stop_calls(token, name)

    @event(background=True)
    async def stop_stream(self, name: str):
        """Stop whoever makes a stream that this page may read, wherever that runs.

        Args:
            name: The stream's id; harmless if it has ended, or is not this page's.
        """
        token = link.current_token()
        if token is None or not is_name(name):
            return
        with suppress(StreamNotFoundError):
            await readable(name, token)
            await stop_stream(name)

    @event(background=True)
    async def answer_call(self, call: str, allowed: bool, reason: str):
        """Allow or deny a tool's call that a function of this page has made.

        Args:
            call: The call's id.
            allowed: Whether it may run.
            reason: Why not, for the model.
        """
        token = link.current_token()
        if token is not None and is_name(call) and isinstance(reason, str):
            await answer(token, call, allowed is True, reason[:_LONGEST_REASON])


async def _answer(state: Any, token: str, offsets: dict[str, int], has: list[str]) -> bool:
    """Give a page what it asks for; return whether something that it had begun is lost."""
    found: dict[str, Log | Failure] = dict.fromkeys(offsets, TOO_MANY)
    names = list(islice(offsets, settings.streams_per_page or MOST))
    # Together: whether a page of another process may have one takes a while to be said.
    contents = await asyncio.gather(*(_find(name, token) for name in names))
    found.update(zip(names, contents, strict=True))
    unknown = {name for name, content in found.items() if isinstance(content, Failure)}
    try:
        if unknown:
            # What the page's own state has is the page's, and an ended one is not in the store
            # for ever.
            async with state:
                for streamable in find_streamables(await link.whole_state(state), unknown):
                    store.add(streamable.id, streamable.log)
                    store.grant(streamable.id, token)
                    found[streamable.id] = streamable.log
    finally:
        pages.hello(token, offsets, found, has)
    return any(offsets[name] > 0 and found[name] == LOST for name in unknown)


async def _find(name: str, token: str) -> Log | Failure:
    try:
        return await readable(name, token)
    except (StreamNotFoundError, StoreUnavailableError) as cause:
        return Failure(cause.code, cause.sentence)
