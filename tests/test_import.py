"""`import streamui` is light, its names are pinned, and its order beside Reflex is free."""

from __future__ import annotations

import subprocess
import sys

import pytest

import streamui

pytestmark = pytest.mark.slow

HEAVY = {"httpx", "openai", "pydantic", "redis", "reflex", "reflex_base", "sqlalchemy", "starlette"}
HEAVY |= {"opentelemetry", "prometheus_client"}

STATE = """
class Assistant(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    notes: list[ui.StreamableValue[str]] = []

assert isinstance(Assistant.answer, rx.Var), type(Assistant.answer)
assert isinstance(Assistant.answer.value, rx.Var)
assert Assistant.answer.value._var_type is str
assert isinstance(Assistant.answer.streaming, rx.Var)

one, other = Assistant(_reflex_internal_init=True), Assistant(_reflex_internal_init=True)
one.answer = ui.StreamableValue("Paris").done()
assert other.answer.value == "", "a default is shared between two people"

from reflex_base.utils.format import json_dumps
handle = json.loads(json_dumps(one.answer))
assert handle["value"] == "Paris", handle
"""


def run(code: str) -> str:
    """Run code in a fresh Python, with warnings as errors."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def loaded_by(code: str) -> set[str]:
    """The modules that code has loaded."""
    return set(run(f"import sys\n{code}\nprint(*sys.modules)").split())


@pytest.mark.parametrize(
    "code", ["import streamui", "import streamui as ui; ui.StreamableValue('').append('a')"]
)
def test_import_loads_nothing_heavy(code: str) -> None:
    loaded = loaded_by(code)
    assert not HEAVY & {name.partition(".")[0] for name in loaded}
    assert len(loaded) < 300  # the standard library's asyncio and importlib are 150 of them


def test_listing_the_names_loads_nothing() -> None:
    loaded = loaded_by("import streamui; dir(streamui)")
    assert {name for name in loaded if name.startswith("streamui")} == {
        "streamui",
        "streamui.reflex_hook",
        "streamui.settings",  # a module of the same name as the object: see streamui/__init__.py
    }


@pytest.mark.parametrize(
    "imports",
    [
        "import reflex as rx; import streamui as ui",
        "import streamui as ui; import reflex as rx",
        "import reflex as rx; rx.State; import streamui as ui",
        "from streamui import StreamableValue; import streamui as ui; import reflex as rx",
        "import streamui as ui; import reflex.utils.token_manager; import reflex as rx",
    ],
)
def test_a_streamable_in_a_state_works_whichever_is_imported_first(imports: str) -> None:
    run(f"import json\n{imports}\n{STATE}")


def test_pages_that_come_back_are_known_whichever_is_imported_first() -> None:
    wrapped = "isinstance(manager.RedisTokenManager.__dict__['link_token_to_sid'], FunctionWrapper)"
    imports = ["import streamui", "from reflex.utils import token_manager as manager"]
    for order in (imports, imports[::-1]):
        run("\n".join([*order, "import reflex.app", "from wrapt import *", f"assert {wrapped}"]))


def test_settings_are_the_settings_whatever_was_imported_before() -> None:
    run("import streamui as ui, streamui.store.store; assert ui.settings.message_limit")
    run("import streamui.settings, streamui as ui; assert ui.settings.message_limit")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = streamui.no_such_name


def test_public_names_are_pinned_and_can_be_had() -> None:
    assert streamui.__all__ == PUBLIC.split()
    assert dir(streamui) == sorted(PUBLIC.split())
    for name in streamui.__all__:
        assert getattr(streamui, name) is not None


PUBLIC = """
DEMO_MODEL
Conversation
LimitError
Model
ModelError
NotJSONError
NotStreamableError
ObjectError
ObjectStream
PageError
ProtocolError
RunTimeoutError
SchemaError
ServerSentEvent
Settings
Stats
StreamCancelledError
StreamClosedError
StreamConnectionError
StreamInterruptedError
StreamLockedError
StreamNotFoundError
StreamTypeError
StreamUIError
StreamableValue
TextResult
TextStream
TooLongError
Tool
ToolContext
ToolDefinitionError
ToolError
ToolOutput
ToolState
approve
composer
consume_event_stream
default_client
default_model
deny
event_source
lifespan
markdown
metrics_routes
model_events
models
ndjson_response
read_streamable
resume
routes
scroller
server_function
settings
sse_response
stats
status
stop
stop_open
stream_collector
stream_object
stream_text
stream_url
text
text_response
tool
track_tools
turn
"""
