"""The rival: plain Reflex, the way its documentation streams, one `yield` per token."""

import reflex as rx

from benchmarks.tokens import markdown_text, plain_text, tokens


class PlainText(rx.State):
    """An answer in a state variable, shown as text."""

    answer: str = ""

    @rx.event
    async def run(self, count: int, rate: int):
        """Stream `count` tokens of text at `rate` tokens per second."""
        async for token in tokens(plain_text(count), rate):
            self.answer += token
            yield


class PlainMarkdown(rx.State):
    """An answer in a state variable, shown as Markdown."""

    answer: str = ""

    @rx.event
    async def run(self, count: int, rate: int):
        """Stream `count` tokens of Markdown at `rate` tokens per second."""
        async for token in tokens(markdown_text(count), rate):
            self.answer += token
            yield
