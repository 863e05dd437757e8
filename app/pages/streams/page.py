"""The page: totals with a large plot, and a table of the streams that are open."""

# A Var has the attributes of what it stands for, which no type checker can know.
# pyright: reportAttributeAccessIssue=false

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from app.layout import header_link, layout
from app.pages.streams.board import Row
from app.pages.streams.live import Streams
from app.pages.streams.plot import plot

STATES = {"streaming": "Streaming", "stalled": "Stalled", "waiting": "Waiting", "ended": "Ended"}
board = Streams.board.value


def streams() -> rx.Component:
    return layout(
        rx.el.div(
            rx.el.div(
                rx.el.div(
                    rx.heading("Live streams", as_="h2", size="6", weight="medium"),
                    rx.text("What this server streams, second by second.", color_scheme="gray"),
                ),
                rx.cond(Streams.may != "off", start_button()),
                class_name="streams-head",
            ),
            rx.cond(has_connection_errors, trouble(cut_off())),
            rx.match(
                Streams.may,
                ("off", switched_off()),
                ("", rx.fragment()),
                rx.fragment(
                    rx.cond(Streams.board.status == "streaming", rx.fragment(), trouble(ended())),
                    totals(),
                    rx.cond(board.rows.length() > 0, table(), nothing()),
                ),
            ),
            class_name="column streams",
            data_stale=has_connection_errors,
        ),
        actions=header_link(rx.icon("message-square", aria_hidden=True), "Assistant", "/"),
    )


def start_button() -> rx.Component:
    return rx.button(
        rx.icon("plus", size=16, aria_hidden=True),
        "Start a stream",
        variant="soft",
        size="2",
        on_click=Streams.start,
    )


def totals() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.p(
                rx.el.span(board.rate, class_name="streams-number"),
                " chunks per second",
            ),
            rx.el.p(open_now(), role="status", class_name="streams-open"),
            class_name="streams-now",
        ),
        plot(rate=board.rate, tick=board.tick, label="Chunks of all streams", class_name="large"),
        rx.el.dl(
            *(
                rx.el.div(rx.el.dt(name), rx.el.dd(value))
                for name, value in (
                    ("Data", board.data),
                    ("First chunk after", board.first_chunk),
                    ("Begun", board.started),
                    ("Ended", board.ends),
                    ("Stalls", board.stalls),
                    ("Model tokens", board.tokens),
                    ("Pages connected", board.pages),
                    ("Memory held", board.memory),
                )
            ),
        ),
        aria_label="All streams",
        class_name="streams-totals",
    )


def open_now() -> rx.Var:
    count = board.open
    return rx.cond(
        count == 1,
        "1 stream is open",
        rx.cond(count > 1, f"{count} streams are open", "No stream is open"),
    )


def table() -> rx.Component:
    # The roles are said again, because a narrow page lays the rows out as cards, and a browser
    # takes that for a sign that this is no table.
    return rx.el.section(
        rx.el.table(
            rx.el.thead(
                rx.el.tr(
                    *(
                        rx.el.th(name, scope="col", role="columnheader")
                        for name in ("Stream", "Chunks in the last minute", "Written", "Age")
                    ),
                    rx.el.th(
                        rx.el.span("Stop", class_name="sr-only"), scope="col", role="columnheader"
                    ),
                    role="row",
                ),
                role="rowgroup",
            ),
            rx.el.tbody(rx.foreach(board.rows, row), role="rowgroup"),
            role="table",
            aria_label="Open streams",
        ),
        rx.cond(board.more > 0, rx.text(f"and {board.more} more", color_scheme="gray", size="2")),
        class_name="streams-table",
    )


def row(each: rx.Var[Row]) -> rx.Component:
    return rx.el.tr(
        rx.el.th(
            rx.el.span(each.name, class_name="streams-name"),
            rx.el.span(
                rx.match(each.state, *STATES.items(), ""),
                " · ",
                each.place,
                class_name="streams-place",
            ),
            scope="row",
            role="rowheader",
        ),
        rx.el.td(
            rx.el.div(
                plot(rate=each.rate, tick=board.tick, label="Chunks"),
                rx.el.span(each.rate, rx.el.span("/s")),
                class_name="streams-rate",
            ),
            role="cell",
        ),
        rx.el.td(each.size, role="cell"),
        rx.el.td(each.age, role="cell"),
        rx.el.td(stop_button(each), role="cell"),
        key=each.number.to_string(),
        data_state=each.state,
        role="row",
    )


def stop_button(each: rx.Var[Row]) -> rx.Component:
    return rx.cond(
        (Streams.may == "stop") & (each.state != "ended"),
        rx.icon_button(
            rx.icon("square", size=12, aria_hidden=True, fill="currentColor"),
            variant="soft",
            color_scheme="gray",
            high_contrast=True,
            size="2",
            loading=Streams.stopping.contains(each.number),
            class_name="streams-stop",
            aria_label=f"Stop {each.name}, {each.place}",
            title="Stop",
            on_click=Streams.stop(each.number),
        ),
    )


def nothing() -> rx.Component:
    return rx.el.div(
        rx.icon("waves", size=28, aria_hidden=True),
        rx.heading("Nothing is streaming now", as_="h3", size="4", weight="medium"),
        rx.text(
            "Start a stream here, or ",
            rx.link("ask the assistant something", href="/"),
            " in another tab.",
            color_scheme="gray",
        ),
        class_name="streams-nothing",
    )


def switched_off() -> rx.Component:
    return rx.el.div(
        rx.icon("eye-off", size=28, aria_hidden=True),
        rx.heading("This page is switched off", as_="h3", size="4", weight="medium"),
        rx.text("The server does not show its streams.", color_scheme="gray"),
        class_name="streams-nothing",
    )


def trouble(*content: rx.Component) -> rx.Component:
    return rx.callout.root(
        rx.callout.icon(rx.icon("triangle-alert", size=16, aria_hidden=True)),
        *content,
        color_scheme="amber",
        role="alert",
        class_name="streams-trouble",
    )


def cut_off() -> rx.Component:
    return rx.callout.text("The server cannot be reached. What you see is how it was before.")


def ended() -> rx.Component:
    return rx.fragment(
        rx.callout.text(
            rx.cond(
                Streams.board.error != "",
                Streams.board.error,
                "This view has ended. What you see is how it was then.",
            )
        ),
        rx.button("Go on", variant="soft", size="1", on_click=Streams.watch),
    )
