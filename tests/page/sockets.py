"""A stand-in for Reflex's socket, at the seam of streamui.page.link."""

import collections
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from reflex_base.utils.format import json_dumps


class Socket:
    """Reflex's socket namespace, as far as frames need it; keeps what is emitted."""

    namespace = "/_event"

    def __init__(self):
        self._token_manager = SimpleNamespace(token_to_socket={}, instance_id="here")
        self.frames: list[tuple[str, dict[str, Any]]] = []
        self.on_frame: Callable[[str, dict[str, Any]], object] = lambda sid, frame: None
        self.waiting = 0
        queue = SimpleNamespace(qsize=lambda: self.waiting)
        manager = SimpleNamespace(eio_sid_from_sid=lambda sid, namespace: sid)
        sockets = collections.defaultdict(lambda: SimpleNamespace(queue=queue))
        eio = SimpleNamespace(sockets=SimpleNamespace(get=sockets.__getitem__))
        self.server = SimpleNamespace(manager=manager, eio=eio)

    def connect(self, token="token", sid="sid", instance="here"):
        record = SimpleNamespace(sid=sid, instance_id=instance)
        self._token_manager.token_to_socket[token] = record

    def disconnect(self, token="token"):
        del self._token_manager.token_to_socket[token]

    async def emit(self, name, update, to):
        assert name == "event"
        # As Reflex does it: handles inside are written while the packet is encoded.
        frame = json.loads(json_dumps(update))["delta"]["streamui"]
        self.frames.append((to, frame))
        self.on_frame(to, frame)

    @property
    def ops(self):
        return [op for _, frame in self.frames for op in frame.values()]
