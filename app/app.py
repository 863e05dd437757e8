"""The app: its pages, and what all of them share."""

import reflex as rx

from app.pages.assistant import assistant
from app.pages.not_found import not_found
from app.pages.recipes import add_recipes, servers
from app.pages.streams import Streams, streams

app = rx.App(
    html_lang="en",
    stylesheets=["/page.css", "/streams.css", "/recipes.css"],
    api_transformer=servers(),
    head_components=[
        rx.el.link(rel="icon", type="image/svg+xml", href="/favicon.svg"),
        # A phone's keyboard makes the page smaller, and does not cover the composer.
        rx.el.meta(
            name="viewport",
            content="width=device-width, initial-scale=1, viewport-fit=cover, "
            "interactive-widget=resizes-content",
        ),
    ],
    extra_app_wraps={
        # Reflex's notice of a lost connection is for developers; the composer says it in place.
        (5, "Overlay"): lambda _: rx.fragment(),
        # Its badge would cover the end of the page on a phone.
        (0, "StickyBadge"): lambda _: rx.fragment(),
    },
)
app.add_page(
    assistant,
    route="/",
    title="streamui assistant",
    description="Ask a question and watch the answer, and how it is made, stream in.",
)
app.add_page(
    streams,
    route="/streams",
    title="Live streams · streamui",
    description="What this server streams now, second by second.",
    on_load=Streams.watch,
)
add_recipes(app)
app.add_page(not_found, route="404", title="Page not found · streamui")
