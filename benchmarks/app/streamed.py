"""Our pages: the same answers, made with streamui."""

import reflex as rx

import streamui as ui
from benchmarks.tokens import markdown_text, plain_text, tokens


class StreamedText(rx.State):
    """An answer that is a streamable, shown as text."""

    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def run(self, count: int, rate: int):
        """Stream `count` tokens of text at `rate` tokens per second."""
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
        async for token in tokens(plain_text(count), rate):
            answer.append(token)
            yield


class StreamedMarkdown(rx.State):
    """An answer that is a streamable, shown as Markdown."""

    answer: ui.StreamableValue[str] = ui.StreamableValue("").done()

    @ui.server_function
    async def run(self, count: int, rate: int):
        """Stream `count` tokens of Markdown at `rate` tokens per second."""
        answer = ui.StreamableValue("")
        async with self:
            self.answer = answer
        async for token in tokens(markdown_text(count), rate):
            answer.append(token)
            yield
