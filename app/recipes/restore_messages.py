"""Restore messages from a database: a conversation is there again after a reload or a restart."""

import asyncio
import os
import secrets

import reflex as rx
from sqlalchemy.schema import CreateTable
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

import streamui as ui

URL = os.environ.get("REFLEX_DB_URL", "sqlite:///recipes.db")  # or postgresql+psycopg://…
engine = create_engine(URL, hide_parameters=True)  # what people say is not for the log


class KeptMessage(SQLModel, table=True):
    chat: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    role: str
    text: str


def keep(chat: str, *added: tuple[str, str]) -> list[tuple[str, str]]:
    """Add messages to a chat, all or none; return all that it has."""
    with Session(engine, expire_on_commit=False) as session:
        session.execute(CreateTable(KeptMessage.__table__, if_not_exists=True))
        query = select(KeptMessage).where(KeptMessage.chat == chat)
        rows = list(session.exec(query.order_by(col(KeptMessage.number))))
        for role, text in added:
            text = text.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL
            rows.append(KeptMessage(chat=chat, number=len(rows), role=role, text=text))
        session.add_all(rows)
        session.commit()
        return [(row.role, row.text) for row in rows]


class Chat(rx.State):
    chat: str = rx.LocalStorage("")  # in this browser; nobody can guess another's
    messages: list[tuple[str, ui.StreamableValue[str]]] = []
    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def restore(self):
        async with self:
            rows = [] if self.messages else await asyncio.to_thread(keep, self.chat)
            self.messages += [(role, ui.StreamableValue(text).done()) for role, text in rows]

    @ui.server_function(concurrency=1)
    async def ask(self, form: dict[str, str]):
        question, answer = ui.StreamableValue(form["question"]).done(), ui.StreamableValue("")
        async with self:
            chat, self.answer = self.chat or secrets.token_urlsafe(16), answer
            self.chat = chat
            self.messages += [("user", question), ("assistant", answer)]
            said = [{"role": role, "content": text.value} for role, text in self.messages]
        text = await ui.stream_text(messages=said[:-1]).into(answer)
        await asyncio.to_thread(keep, chat, ("user", question.value), ("assistant", text))


def page():
    return rx.vstack(
        ui.scroller(
            rx.foreach(Chat.messages, lambda each: ui.markdown(each[1], class_name=each[0])),
            rx.cond(Chat.answer.error, rx.text(Chat.answer.error, role="alert")),
            follow=Chat.messages.length(),
        ),
        rx.el.form(
            rx.hstack(
                rx.input(name="question", placeholder="Message", required=True, flex="1"),
                rx.button("Send", disabled=Chat.answer.streaming),
            ),
            on_submit=Chat.ask,
            reset_on_submit=True,
        ),
        on_mount=Chat.restore,
    )
