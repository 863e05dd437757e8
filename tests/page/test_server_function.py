"""What a server function does beside its run."""

from types import SimpleNamespace

import pytest
import reflex as rx

import streamui as ui


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


async def test_the_log_names_a_function_as_its_source_code_does(caplog):
    with pytest.raises(ui.StreamUIError):
        await FailingState.event_handlers["ask"].fn(Proxy())
    (record,) = [record for record in caplog.records if record.name == "streamui"]
    assert record.message.startswith("tests.page.test_server_function.FailingState.ask failed [")
