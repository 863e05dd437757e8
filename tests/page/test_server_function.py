"""What a server function does beside its run."""

import re
from types import SimpleNamespace

import pytest
import reflex as rx
from reflex.app import default_backend_exception_handler

import streamui as ui
from streamui.page import link


class FailingState(rx.State):
    @ui.server_function
    async def ask(self):
        yield
        raise ValueError("a bug")


class Proxy:
    """Stands where Reflex has the proxy of a background handler's state."""

    __wrapped__ = SimpleNamespace()

    def get_full_name(self):
        return FailingState.get_full_name()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


@pytest.fixture
def emitted(monkeypatch):
    events = []

    async def emit(_, event, __):
        events.append(str(event))

    monkeypatch.setattr(link, "emit_events", emit)
    return events


def run_by(monkeypatch, handler):
    app = SimpleNamespace(backend_exception_handler=handler)
    monkeypatch.setattr(link, "_namespace", SimpleNamespace(app=app))


async def test_the_log_names_a_function_as_its_source_code_does(caplog, emitted):
    await FailingState.event_handlers["ask"].fn(Proxy())
    (record,) = [record for record in caplog.records if record.name == "streamui"]
    assert record.message.startswith("tests.page.test_server_function.FailingState.ask failed [")


async def test_what_no_stream_can_tell_is_told_in_a_toast(caplog, emitted, monkeypatch):
    run_by(monkeypatch, default_backend_exception_handler)
    await FailingState.event_handlers["ask"].fn(Proxy())
    (toast,) = emitted
    told = re.search(r"Something went wrong on the server\. \(([0-9a-f]{8})\)", toast)
    assert told and told[1] in caplog.text
    assert "a bug" not in toast


async def test_an_app_that_tells_failures_itself_is_given_this_one(emitted, monkeypatch):
    run_by(monkeypatch, print)
    with pytest.raises(ui.StreamUIError, match=r"Something went wrong on the server\. \["):
        await FailingState.event_handlers["ask"].fn(Proxy())
    assert emitted == []
