"""Scripted replies in the form in which the demo server sends its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from streamui.models.demo.answer import AT_ONCE, Answer, Wait, json_pieces, pieces
from streamui.models.demo.answer import Call as SentCall
from streamui.models.demo.steering import Fault as SentFault
from streamui.models.demo.steering import Steering
from streamui.testing.script import KINDS, UNSET, Call, Fault, Pause, Reply


def answer_of(scripted: Reply | Fault | str) -> Answer:
    """Make the answer that the server sends.

    Args:
        scripted: What the script has; a text is a reply.

    Raises:
        ValueError: A fault comes after more pieces than there are.
    """
    if isinstance(scripted, str):
        scripted = Reply(scripted)
    return _reply(scripted) if isinstance(scripted, Reply) else _fault(scripted)


def _reply(reply: Reply) -> Answer:
    if reply.object is not UNSET:
        deltas, waits = json_pieces(_json(reply.object)), {}
    else:
        deltas, waits = _cut(reply.refusal or reply.text)
    if reply.wait:
        held = reply.wait.hold if isinstance(reply.wait, Pause) else partial(_sleep, reply.wait)
        waits = {**waits, AT_ONCE: held}
    return Answer(
        Steering(rate=1 / reply.delay if reply.delay else None, refuse=bool(reply.refusal)),
        deltas,
        _cut(reply.reasoning)[0],
        tuple(_call(call) for call in reply.tool_calls),
        cut_short=reply.incomplete,
        waits=waits,
    )


def _fault(fault: Fault) -> Answer:
    text = fault.text or "".join(f"word{number} " for number in range(1, fault.after + 1))
    deltas, waits = _cut(text)
    if fault.after > len(deltas):
        raise ValueError(f"a fault after {fault.after} pieces of {len(deltas)} never happens")
    status, code = KINDS.get(str(fault.kind), (500, ""))
    kind: SentFault = "status"
    after, nonsense, headers = fault.after, fault.data, dict(fault.headers)
    if isinstance(fault.kind, int):
        status = fault.kind
    elif fault.kind == "connection":
        kind, after = "cut", AT_ONCE
    elif fault.kind == "cut":
        kind = "cut"
    elif fault.kind == "stall":
        kind = "stall"
    elif fault.kind == "malformed" and fault.body:
        status, after, nonsense = 200, 0, fault.body
    elif fault.kind == "malformed":
        kind = "nonsense"
    if fault.retry_after is not None:
        headers["retry-after"] = f"{fault.retry_after:g}"
    told = fault.message or f"The script has {fault.kind!r} here."
    steering = Steering(
        rate=None,
        fault=kind,
        after=after,
        status=status,
        retry_after=None,
        message=told,
        code=fault.code or code,
        headers=headers,
        nonsense=nonsense,
    )
    return Answer(steering, deltas, waits=waits)


def _cut(text: str | Sequence[str | Pause]) -> tuple[tuple[str, ...], dict[int, Wait]]:
    """Cut a text into the pieces to send, and find where to wait between them."""
    if isinstance(text, str):
        return pieces(text), {}
    deltas: list[str] = []
    pauses: dict[int, list[Pause]] = {}
    for piece in text:
        if isinstance(piece, Pause):
            pauses.setdefault(len(deltas), []).append(piece)
        else:
            deltas.append(piece)
    return tuple(deltas), {place: partial(_hold, held) for place, held in pauses.items()}


def _call(call: Call) -> SentCall:
    arguments = call.arguments if isinstance(call.arguments, str) else _json(call.arguments)
    return SentCall(call.name, json_pieces(arguments), call.id)


def _json(value: Any) -> str:
    dump = getattr(value, "model_dump_json", None)
    return dump() if dump else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


async def _hold(pauses: Sequence[Pause]) -> None:
    for pause in pauses:
        await pause.hold()


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)
