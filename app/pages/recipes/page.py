"""The gallery, and what every recipe's page has around it."""

import reflex as rx

import streamui as ui
from app.layout import header_link, layout
from app.pages.recipes.catalogue import KINDS, Recipe, recipe, recipes


def add_recipes(app: rx.App) -> None:
    """Give an app the gallery and the page of each recipe."""
    app.add_page(
        gallery,
        route="/recipes",
        title="Recipes · streamui",
        description="Small pages that each do one thing, with their code beside them.",
    )
    every = recipes()
    for before, each, after in zip([None, *every], every, [*every[1:], None], strict=False):
        app.add_page(
            _page(each, before, after),
            route=each.route,
            title=f"{each.title} · streamui",
            description=each.sentence,
        )


def gallery() -> rx.Component:
    return layout(
        rx.el.div(
            rx.el.div(
                rx.heading("Recipes", as_="h2", size="7", weight="medium"),
                rx.text(
                    "Each does one thing, in one file of under 80 lines that stands beside it. "
                    "Without a key, the built-in demo model answers.",
                    color_scheme="gray",
                    size="3",
                ),
                class_name="recipes-head",
            ),
            *(_kind(kind, names) for kind, names in KINDS.items()),
            class_name="column recipes",
        ),
        actions=assistant_link(),
    )


def _kind(kind: str, names: tuple[str, ...]) -> rx.Component:
    return rx.el.section(
        rx.heading(kind, as_="h3", size="2", weight="medium", color_scheme="gray"),
        rx.el.ul(*(rx.el.li(_card(recipe(name))) for name in names)),
        aria_label=kind,
    )


def _card(each: Recipe) -> rx.Component:
    return rx.link(
        rx.el.span(each.title, class_name="recipes-title"),
        rx.el.span(each.sentence),
        href=each.route,
        underline="none",
        color_scheme="gray",
    )


def _page(each: Recipe, before: Recipe | None, after: Recipe | None) -> rx.Component:
    return layout(
        rx.el.div(
            rx.el.div(
                rx.link("Recipes", href="/recipes", size="2", color_scheme="gray"),
                rx.heading(each.title, as_="h2", size="6", weight="medium"),
                rx.text(each.sentence, color_scheme="gray", size="3"),
                class_name="recipes-head",
            ),
            rx.el.section(each.page(), aria_label="The recipe at work", class_name="recipe-live"),
            rx.el.section(
                ui.markdown(f"```python\n{each.source}```"),
                aria_label=f"Its code, {each.name}.py",
                class_name="recipe-code",
            ),
            rx.el.nav(
                _neighbour(before, "arrow-left"),
                _neighbour(after, "arrow-right"),
                aria_label="Other recipes",
            ),
            class_name="recipe",
        ),
        actions=assistant_link(),
    )


def _neighbour(other: Recipe | None, arrow: str) -> rx.Component:
    if other is None:
        return rx.el.span()
    icon = rx.icon(arrow, size=14, aria_hidden=True)
    words = (icon, other.title) if arrow == "arrow-left" else (other.title, icon)
    return rx.link(*words, href=other.route, size="2", color_scheme="gray")


def assistant_link() -> rx.Component:
    return header_link(rx.icon("message-square", aria_hidden=True), "Assistant", "/")
