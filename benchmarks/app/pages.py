"""The Reflex app: one page per contestant, one button per case."""

import os
from collections.abc import Callable
from typing import Any

import reflex as rx

from benchmarks.app.plain import PlainMarkdown, PlainText
from benchmarks.cases import CASES, Kind

app = rx.App()


def _page(path: str, kind: Kind, run: Callable[..., Any], shown: rx.Component) -> None:
    buttons = (
        rx.button(case.button, id=case.button, on_click=run(case.count, case.rate))
        for case in CASES
        if case.kind == kind
    )
    app.add_page(rx.vstack(rx.hstack(*buttons), rx.box(shown, id="answer")), route=path)


_page("/plain", "text", PlainText.run, rx.text(PlainText.answer, white_space="pre-wrap"))
_page("/plain-markdown", "markdown", PlainMarkdown.run, rx.markdown(PlainMarkdown.answer))

if "BENCH_RIVALS_ONLY" not in os.environ:
    import streamui as ui
    from benchmarks.app.streamed import StreamedMarkdown, StreamedText

    _page("/streamui", "text", StreamedText.run, ui.text(StreamedText.answer))
    _page(
        "/streamui-markdown", "markdown", StreamedMarkdown.run, ui.markdown(StreamedMarkdown.answer)
    )
