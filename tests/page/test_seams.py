"""What streamui needs of Reflex's insides. A failure here names the seam that an upgrade moved."""

import asyncio
import importlib.metadata
import inspect
import re
import sys
from pathlib import Path

import pytest
import reflex
import reflex_base
import wrapt
from engineio.async_socket import AsyncSocket
from reflex.app import App, EventNamespace, default_backend_exception_handler
from reflex.istate.proxy import StateProxy
from reflex.state import State
from reflex.utils.token_manager import (
    LocalTokenManager,
    RedisTokenManager,
    SocketRecord,
    TokenManager,
)
from reflex_base.components.component import Component
from reflex_base.environment import environment
from reflex_base.event import EventHandler
from reflex_base.event.context import EventContext
from reflex_base.event.processor.base_state_processor import chain_updates
from reflex_base.event.processor.event_processor import EventProcessor
from reflex_base.vars.base import ToOperation, Var, VarData
from reflex_base.vars.object import ObjectVar
from reflex_components_core.base.bare import Bare

from streamui.page import link, room
from streamui.page.backend import BACKEND_URL
from streamui.settings import settings

WEB = Path(reflex_base.__file__).parent / ".templates" / "web" / "utils"


def test_reflex_is_a_version_that_this_was_verified_with():
    assert importlib.metadata.version("reflex").startswith("0.10."), reflex.__file__


def test_the_event_context_names_the_page():
    assert {"token", "emit_delta_impl"} <= set(EventContext.__dataclass_fields__)


def test_the_socket_knows_which_page_is_where():
    assert {"sid", "instance_id"} <= set(SocketRecord.__dataclass_fields__)
    assert "token_to_socket" in inspect.getsource(TokenManager.__init__)
    assert "_token_manager" in inspect.getsource(EventNamespace.__init__)
    assert "self.emit(" in inspect.getsource(EventNamespace.emit_update)


def test_the_app_says_what_becomes_of_an_exception():
    assert "self.app = app" in inspect.getsource(EventNamespace.__init__)
    handler = App.__dataclass_fields__["backend_exception_handler"]
    assert handler.default is default_backend_exception_handler


def test_tasks_are_named_after_their_events():
    source = inspect.getsource(EventProcessor._create_event_task)
    assert 'f"reflex_event|{entry.event.name}|' in source
    assert {name.rpartition(".")[2] for name in link._hydrate_events()} == set(link._HYDRATES)


def test_a_background_handlers_state_is_a_proxy_that_knows_its_lock():
    assert callable(StateProxy._is_mutable)
    assert {"events", "handler_name", "root_state"} <= set(
        inspect.signature(chain_updates).parameters
    )


def test_a_state_knows_that_it_must_be_saved_and_what_it_holds():
    assert "_was_touched" in inspect.getsource(sys.modules["reflex.state"])
    assert callable(State.get_fields)


def test_an_event_handler_keeps_its_function():
    assert {"fn", "state_full_name"} <= {field for field in dir(EventHandler)} | set(
        EventHandler.__dataclass_fields__
    )


def test_a_var_can_bring_hooks_and_an_app_wrap():
    assert {"hooks", "app_wraps", "imports"} <= set(inspect.signature(VarData).parameters)
    assert "python_types" in inspect.signature(Var.__init_subclass__).parameters


def test_a_type_may_give_its_fields_vars_of_its_own():
    source = inspect.getsource(ObjectVar.__getattr__)
    asks, reads = "isinstance(descriptor, HybridProperty)", "get_attribute_access_type(var_type"
    assert 0 < source.index(asks) < source.index(reads)
    assert "ObjectVar.__getattr__(self, name)" in inspect.getsource(ToOperation.__getattr__)


def test_a_var_becomes_a_child_in_one_place():
    assert "Bare.create(contents=LiteralVar.create(child))" in inspect.getsource(Component.create)
    assert isinstance(inspect.getattr_static(Bare, "create").__wrapped__, classmethod)


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("context-registry.js", r"export const DispatchContext = createContext"),
        ("context-registry.js", r"export const eventLoop = \{"),
        ("state.js", r"export const ReflexEvent = \("),
        ("state.js", r'socket\.current\.on\("event", \(update\) =>'),
        ("state.js", r"dispatch\[substate\]\(delta\[substate\]\)"),
    ],
)
def test_the_page_hands_each_part_of_a_delta_to_its_dispatcher(file, pattern):
    assert re.search(pattern, (WEB / file).read_text())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reflex___state____state.hydrate", True),
        ("reflex___state____state.hydrate_and_load", True),
        ("reflex___state____state.app___chat.hydrate_chat", False),
        ("reflex___state____state.app___chat.hydrate", False),
    ],
)
async def test_only_reflexs_own_hydrates_count_as_such(name, expected):
    async def ask():
        return link.hydrating()

    assert await asyncio.create_task(ask(), name=f"reflex_event|{name}|token|txid") is expected


def test_the_page_knows_where_its_server_is():
    assert "export const getBackendURL = (url_str) =>" in (WEB / "state.js").read_text()
    assert str(BACKEND_URL) == "getBackendURL(env.PING).href"
    assert "PING" in reflex_base.constants.Endpoint.__members__


def test_granian_as_reflex_starts_it_has_room_for_every_stream_that_may_be_read():
    from granian.constants import Interfaces
    from granian.server import Server

    assert room  # imported with the page layer, before Reflex imports its server
    server = Server("page:app", interface=Interfaces.ASGI, workers=5)
    assert server.backpressure > settings.connections, "by default 204 requests at once"
    assert Server("page:app", interface=Interfaces.ASGI, backpressure=7).backpressure == 7


def test_an_apps_lifespan_is_one_function_that_saves_the_states_at_its_end():
    from reflex.app import App
    from reflex.app_mixins.lifespan import LifespanMixin

    function = inspect.getattr_static(LifespanMixin, "_run_lifespan_tasks")
    assert isinstance(function, wrapt.FunctionWrapper)
    assert "await state_manager.close()" in inspect.getsource(function.__wrapped__)
    assert "lifespan=self._run_lifespan_tasks" in inspect.getsource(App.__call__)
    assert environment.REFLEX_DEV_BACKEND_RELOAD_ACTIVE.get() is False


def test_granian_hears_signals_by_way_of_one_function_and_serves_until_then():
    from granian import _signals
    from granian.server.mp import MPServer

    assert isinstance(_signals.set_loop_signals, wrapt.FunctionWrapper)
    assert list(inspect.signature(_signals.set_loop_signals).parameters) == ["loop"]
    source = inspect.getsource(MPServer._spawn_asgi_lifespan_worker)
    assert "from granian._signals import set_loop_signals" in source  # when a worker starts
    assert "shutdown_event = set_loop_signals(loop)" in source


@pytest.mark.parametrize("manager", [LocalTokenManager, RedisTokenManager])
def test_a_page_that_connects_is_linked_to_its_token_in_one_place(manager):
    link_token = inspect.getattr_static(manager, "link_token_to_sid")
    assert isinstance(link_token, wrapt.FunctionWrapper)
    assert list(inspect.signature(link_token.__wrapped__).parameters) == ["self", "token", "sid"]
    assert "self._token_manager.link_token_to_sid(token, sid)" in inspect.getsource(
        EventNamespace.link_token_to_sid
    )
    assert list(inspect.signature(manager.disconnect_token).parameters) == ["self", "token", "sid"]
    assert callable(RedisTokenManager._get_redis_key)
    assert "self.redis.exists(redis_key)" in inspect.getsource(RedisTokenManager)


def test_where_a_page_is_connected_is_read_in_one_place():
    fetch = inspect.getattr_static(RedisTokenManager, "_fetch_socket_record")
    assert isinstance(fetch, wrapt.FunctionWrapper)
    assert list(inspect.signature(fetch.__wrapped__).parameters) == ["self", "token"]
    assert "link_token_to_sid" not in inspect.getsource(fetch.__wrapped__)


def test_a_socket_answers_a_ping_whenever_it_comes():
    source = inspect.getsource(AsyncSocket.receive)
    assert "pkt.packet_type == packet.PONG" in source
    assert "if self.last_ping:" in inspect.getsource(AsyncSocket.schedule_ping)  # one more is none
    assert "await self.receive(pkt)" in inspect.getsource(AsyncSocket._websocket_handler)
    assert {"wait", "abort"} <= set(inspect.signature(AsyncSocket.close).parameters)


def test_a_sockets_writer_is_ended_by_a_packet_that_is_none_and_closes_it():
    assert "if packets == [None]:\n            return []" in inspect.getsource(AsyncSocket.poll)
    source = inspect.getsource(AsyncSocket._websocket_handler)
    _, _, after = source.partition("if not packets:")
    assert "await ws.close()" in after.partition("asyncio.ensure_future(writer())")[0]
