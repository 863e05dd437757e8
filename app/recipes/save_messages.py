"""Save messages to a database: an answer is kept with its question once it is whole, or neither."""

import asyncio
import os
import secrets

import reflex as rx
from sqlalchemy.schema import CreateTable
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

import streamui as ui

URL = os.environ.get("REFLEX_DB_URL", "sqlite:///recipes.db")  # or postgresql+psycopg://…
engine = create_engine(URL, hide_parameters=True)  # what people say is not for the log


class SavedMessage(SQLModel, table=True):
    chat: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    role: str
    text: str


def save(chat: str, *added: tuple[str, str]) -> list[tuple[str, str]]:
    """Add messages to a chat, all or none; return all that it has."""
    with Session(engine, expire_on_commit=False) as session:
        session.execute(CreateTable(SavedMessage.__table__, if_not_exists=True))
        query = select(SavedMessage).where(SavedMessage.chat == chat)
        rows = list(session.exec(query.order_by(col(SavedMessage.number))))
        for role, text in added:
            text = text.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL
            rows.append(SavedMessage(chat=chat, number=len(rows), role=role, text=text))
        session.add_all(rows)
        session.commit()
        return [(row.role, row.text) for row in rows]


class Save(rx.State):
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()
    saving: ui.StreamableValue[str] = ui.StreamableValue("").done()
    rows: list[tuple[str, str]] = []
    _chat: str = ""

    @ui.server_function(supersedes=True)
    async def ask(self, form: dict[str, str]):
        answer, saving = ui.StreamableValue(""), ui.StreamableValue("")
        async with self:
            self.answer, self.saving = answer, saving
            self._chat = chat = self._chat or secrets.token_urlsafe(16)
        text = await ui.stream_text(form["question"]).into(answer)
        answer.done()  # it stands; what fails from here on ends only `saving`
        rows = await asyncio.to_thread(save, chat, ("user", form["question"]), ("assistant", text))
        async with self:
            self.rows = rows


def page():
    return rx.vstack(
        ui.scroller(
            ui.markdown(Save.answer),
            rx.cond(
                Save.answer.error,
                rx.text(Save.answer.error, role="alert"),
                rx.cond(Save.saving.error, rx.text("Not saved. ", Save.saving.error, role="alert")),
            ),
        ),
        ui.scroller(
            rx.foreach(Save.rows, lambda row: rx.text(rx.code(row[0]), " ", row[1], size="2")),
            label="In the database",
        ),
        rx.el.form(
            rx.hstack(
                rx.input(name="question", placeholder="Ask a question", required=True, flex="1"),
                rx.button("Ask", disabled=Save.answer.streaming),
            ),
            on_submit=Save.ask,
            reset_on_submit=True,
        ),
    )
