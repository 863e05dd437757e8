"""The recipes that keep messages, with SQLite and with a PostgreSQL of their own."""

import re
import types

import pytest
from sqlalchemy.pool import NullPool
from sqlmodel import create_engine

import streamui as ui
from app.recipes import restore_messages, save_messages
from streamui.models.client import aclose_default_clients
from tests.faults.postgres_server import postgres_server

QUESTION = "Write 20 words about rivers at 1000 words per second"


@pytest.fixture(scope="module")
def postgres():
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
async def engine(request, tmp_path, monkeypatch):
    """An empty database, which both recipes use."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/recipes.db"
    else:
        url = request.getfixturevalue("postgres").replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, poolclass=NullPool)
    for recipe in (save_messages, restore_messages):
        recipe.engine.dispose()
        monkeypatch.setattr(recipe, "engine", engine)
    yield engine
    await aclose_default_clients()


class Visitor(types.SimpleNamespace):
    """Stands where Reflex has the proxy of a background handler's state."""

    __wrapped__ = types.SimpleNamespace()

    def get_full_name(self):
        return self.state.get_full_name()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def call(self, name, *args):
        await self.state.event_handlers[name].fn(self, *args)


@pytest.mark.parametrize("keep", [save_messages.save, restore_messages.keep])
async def test_a_chat_has_what_was_added_to_it_in_order_and_no_other(engine, keep):
    assert keep("a") == []
    keep("a", ("user", "1"), ("assistant", "2\0"))
    keep("b", ("user", "other"))
    text = "\u05e9\u05dc\u05d5\u05dd \u2028\U0001f469\u200d\U0001f680 " * 5_000
    whole = [("user", "1"), ("assistant", "2\ufffd"), ("user", "3"), ("assistant", text)]
    assert keep("a", *whole[2:]) == whole
    assert keep("a") == whole
    with pytest.raises(Exception, match=r"(?i)null"):
        keep("a", ("user", "5"), (None, "6"))
    assert keep("a") == whole  # both or none


async def test_what_is_saved_is_what_was_shown_and_a_failure_costs_the_copy_only(engine, caplog):
    visitor = Visitor(state=save_messages.Save, _chat="", rows=[])
    await visitor.call("ask", {"question": QUESTION})
    answer = visitor.answer.value
    assert len(answer.split()) == 20
    assert visitor.rows == [("user", QUESTION), ("assistant", answer)]
    assert visitor.saving.status == "done"
    assert re.fullmatch(r"[\w-]{22}", visitor._chat)

    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE savedmessage")
        connection.exec_driver_sql("CREATE TABLE savedmessage (chat text)")
    await visitor.call("ask", {"question": QUESTION})
    assert (visitor.answer.status, visitor.answer.value) == ("done", answer)
    assert visitor.saving.status == "error"
    assert "no such column" in caplog.text or "does not exist" in caplog.text
    assert answer not in caplog.text


async def test_a_conversation_is_restored_for_whoever_has_its_name(engine):
    class Chatting(Visitor):
        def __init__(self, chat):
            super().__init__(state=restore_messages.Chat, chat=chat, messages=[])

        def said(self):
            return [(role, text.value) for role, text in self.messages]

    first = Chatting("")
    await first.call("restore")
    assert first.messages == []
    await first.call("ask", {"question": "My name is Ada."})
    again = Chatting(first.chat)
    await again.call("restore")
    assert again.said() == first.said()
    assert all(isinstance(text, ui.StreamableValue) and text.closed for _, text in again.messages)
    await again.call("restore")  # a reload of the same page
    await again.call("ask", {"question": "What is my name?"})
    assert len(again.messages) == 4
    assert "Ada" in again.messages[-1][1].value
    other = Chatting("somebody else's")
    await other.call("restore")
    assert other.messages == []
