"""A database that is locked, full or gone costs the copy of an answer, and not the answer.

What runs is the code of docs/reliability.md, with real databases.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import sys
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel, create_engine

from streamui.models.client import aclose_default_clients
from streamui.settings import settings
from streamui.streamable.value import StreamableValue
from tests.faults.postgres_server import postgres_server
from tests.page.tab import Tab, node_page
from tests.proxy import Proxy

DOCS = Path(__file__).parents[2] / "docs" / "reliability.md"
QUESTION = "Write 40 words about rivers at 1000 words per second"


@pytest.fixture(scope="session")
def code() -> Iterator[Any]:
    """The example of the docs, as a module."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(), re.M | re.S)
    module = types.ModuleType("saving_in_the_docs")
    sys.modules[module.__name__] = module
    exec(compile(block, DOCS, "exec"), vars(module))
    yield module
    module.engine.dispose()
    del sys.modules[module.__name__]


@pytest.fixture(scope="module")
def call(node: str) -> Iterator[Any]:
    with node_page(node) as call:
        yield call


@pytest.fixture
async def tab(call: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tab]:
    monkeypatch.setattr(settings, "frame_interval", 0.0)
    tab = Tab(call, monkeypatch)
    await tab.connect()
    yield tab
    await tab.close()
    await aclose_default_clients()


class Asking:
    """Stands where Reflex has the proxy of a background handler's state."""

    __wrapped__ = types.SimpleNamespace()

    def __init__(self, code: Any, tab: Tab) -> None:
        self.state, self.tab = code.Chat, tab
        self.answer: StreamableValue[str]
        self.saving: StreamableValue[str]

    def get_full_name(self) -> str:
        return self.state.get_full_name()

    async def __aenter__(self) -> Asking:
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self.tab.values:
            await self.tab.show(self.answer, self.saving)

    async def ask(self) -> None:
        await self.state.event_handlers["ask"].fn(self, QUESTION)


def use(code: Any, url: str, **options: Any) -> sqlalchemy.Engine:
    code.engine.dispose()
    code.engine = create_engine(url, hide_parameters=True, poolclass=NullPool, **options)
    SQLModel.metadata.create_all(code.engine, tables=[code.Message.__table__])
    return code.engine


def saved(code: Any) -> dict[str, str]:
    """What is in the database: texts by what they are."""
    with code.engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT id, text FROM message")).all()
    return {key.split()[1]: text for key, text in rows}


async def check_shown(chat: Asking, tab: Tab, caplog: Any) -> None:
    """The answer stands, complete and done; beside it stands that it is not saved."""
    await tab.receive()
    text, status = tab.shown(chat.answer)
    assert status == "done"
    assert text == chat.answer.value
    assert len(text.split()) == 40
    assert tab.shown(chat.saving) == ("", "error")
    failure = chat.saving.failure
    assert failure is not None
    assert tab.call("error", chat.saving.id)["answer"] == [
        "not_saved",
        f"The answer could not be saved. ({failure.reference})",
    ]
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert failure.reference in record.message
    assert "OperationalError" in record.message
    assert text[:40] not in record.message


async def check_again(code: Any, chat: Asking) -> None:
    """When the database is back, the same answer is saved whole, and once."""
    code.save(chat.answer.id, QUESTION, chat.answer.value)
    assert saved(code) == {"question": QUESTION, "answer": chat.answer.value}


async def test_what_is_saved_is_what_was_shown(code, tab, tmp_path):
    use(code, f"sqlite:///{tmp_path}/chat.db")
    chat = Asking(code, tab)
    await chat.ask()
    await tab.receive()
    assert tab.shown(chat.saving) == ("Saved", "done")
    assert saved(code) == {"question": QUESTION, "answer": tab.shown(chat.answer)[0]}


async def test_fault_20_a_locked_database_costs_the_copy_only(code, tab, tmp_path, caplog):
    use(code, f"sqlite:///{tmp_path}/chat.db", connect_args={"timeout": 0.3})
    chat, other = Asking(code, tab), StreamableValue("")
    with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        asking = asyncio.create_task(chat.ask())
        ticks = 0
        while not asking.done():  # the loop belongs to the other streams meanwhile
            if tab.values and chat.answer.closed:
                other.append("tick ")
                ticks += 1
            await asyncio.sleep(0.01)
        await asking
    other.done()
    assert ticks >= 10
    await check_shown(chat, tab, caplog)
    assert saved(code) == {}
    await check_again(code, chat)


async def test_fault_20_a_full_disk_costs_the_copy_only(code, tab, tmp_path, caplog):
    engine = use(code, f"sqlite:///{tmp_path}/chat.db", connect_args={"timeout": 0.3})
    with engine.begin() as connection:
        query = sqlalchemy.text("INSERT INTO message VALUES ('a filling', :text)")
        connection.execute(query, {"text": "x" * 3_900})  # almost a page
        pages = connection.execute(sqlalchemy.text("PRAGMA page_count")).scalar()

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")  # as a disk that has no room

    chat = Asking(code, tab)
    await chat.ask()
    await check_shown(chat, tab, caplog)
    assert list(saved(code)) == ["filling"]
    event.remove(engine, "connect", _)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DELETE FROM message"))
    await check_again(code, chat)


# -- PostgreSQL -------------------------------------------------------------------------

PAUSE = """
CREATE OR REPLACE FUNCTION pause() RETURNS trigger AS
    $$ BEGIN PERFORM pg_sleep(CASE WHEN NEW.id LIKE '% answer' THEN 0.4 ELSE 0 END);
    RETURN NULL; END $$ LANGUAGE plpgsql;
CREATE CONSTRAINT TRIGGER pause AFTER INSERT ON message
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pause();
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture
def database(code: Any, postgres: str) -> Iterator[str]:
    """An empty table, whose commits take a while."""
    use(code, at(postgres))
    ask(postgres, PAUSE)
    yield postgres
    SQLModel.metadata.drop_all(code.engine, tables=[code.Message.__table__])


def at(url: str, port: object = None) -> str:
    """The address for SQLAlchemy."""
    url = url.replace("postgresql:", "postgresql+psycopg:")
    return url if port is None else re.sub(r":\d+/", f":{port}/", url)


def ask(url: str, question: Any) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(question)
        return cursor.fetchall() if cursor.description else []


async def committing(url: str) -> int:
    """Wait until a commit is under way; gives the process of the server that is at it."""
    question = "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'PgSleep'"
    async with asyncio.timeout(10):
        while not (found := await asyncio.to_thread(ask, url, question)):
            await asyncio.sleep(0.005)
    return found[0][0]


async def back(url: str) -> None:
    """Wait until the server is there again, and nobody writes any more."""
    busy = "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' AND state <> 'idle'"
    async with asyncio.timeout(20):
        while True:
            try:
                if not ask(url, busy):
                    return
            except psycopg.OperationalError:
                pass
            await asyncio.sleep(0.02)


def terminate(url: str, process: int) -> None:
    ask(url, f"SELECT pg_terminate_backend({process})")


def kill(url: str, process: int) -> None:
    os.kill(process, signal.SIGKILL)  # after that the server recovers as from a crash


@pytest.mark.slow
@pytest.mark.parametrize("end", [terminate, kill])
async def test_fault_21_a_database_that_ends_in_the_middle_of_a_commit_has_no_half_message(
    code, tab, database, caplog, end: Callable[[str, int], None]
):
    chat = Asking(code, tab)
    asking = asyncio.create_task(chat.ask())
    end(database, await committing(database))
    await asking
    await check_shown(chat, tab, caplog)
    await back(database)
    assert saved(code) == {}
    await check_again(code, chat)


@pytest.mark.slow
async def test_fault_21_a_connection_that_drops_before_the_commit_leaves_nothing(
    code, tab, database, caplog
):
    @event.listens_for(code.engine, "commit")
    def _(connection: sqlalchemy.Connection) -> None:
        process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        assert process is not None
        terminate(database, process)

    chat = Asking(code, tab)
    await chat.ask()
    await check_shown(chat, tab, caplog)
    event.remove(code.engine, "commit", _)
    assert saved(code) == {}
    await check_again(code, chat)


@pytest.mark.slow
async def test_fault_21_a_commit_whose_answer_is_lost_is_whole_and_not_doubled_by_another(
    code, tab, database, caplog
):
    port = int(re.findall(r":(\d+)/", database)[0])
    async with Proxy(lambda: [port]) as proxy:
        code.engine = create_engine(
            at(database, proxy.url.rpartition(":")[2]), poolclass=NullPool, hide_parameters=True
        )
        chat = Asking(code, tab)
        asking = asyncio.create_task(chat.ask())
        await committing(database)
        proxy.cut()
        await asking
    await check_shown(chat, tab, caplog)
    await back(database)
    use(code, at(database))
    assert saved(code) == {"question": QUESTION, "answer": chat.answer.value}
    await check_again(code, chat)


@pytest.mark.slow
async def test_fault_44_nul_is_cleaned_for_a_database_that_cannot_have_it(code, database, tmp_path):
    value = StreamableValue("a\0b").append("\0").done()
    with pytest.raises(exc.DataError, match="NUL"), code.engine.begin() as connection:
        query = sqlalchemy.text("INSERT INTO message VALUES ('x answer', :text)")
        connection.execute(query, {"text": value.value})
    code.save("1", "?", value.value)
    assert saved(code)["answer"] == "a\ufffdb\ufffd"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_fault_45_what_a_stream_holds_any_database_can_hold(code, database, tmp_path, kind):
    if kind == "sqlite":
        use(code, f"sqlite:///{tmp_path}/chat.db")
    text = "\ud83d \u2028\x85\ufeff👩\u200d🚀"
    value = StreamableValue("").append(text).done()
    code.save("1", "?", value.value)
    assert saved(code)["answer"] == value.value == text.replace("\ud83d", "\ufffd")
    use(code, at(database))
