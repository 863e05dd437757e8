"""Which recipes there are, and what each says of itself."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import reflex as rx
from starlette.applications import Starlette

KINDS: dict[str, tuple[str, ...]] = {
    "Text": ("generate_text", "generate_text_chat", "stream_text", "stream_text_chat"),
    "Assistants": ("stream_assistant", "stream_assistant_tools"),
    "Objects": ("generate_object", "stream_object"),
    "Tools": ("call_tools", "parallel_tools"),
    "Keeping": ("token_usage", "save_messages", "restore_messages"),
    "Streams": (
        "cancel",
        "progress",
        "typewriter",
        "custom_source",
        "redwood_chat",
        "event_source",
    ),
}
"""The modules of ``app/recipes/`` by kind, in the order in which they are shown."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A module of ``app/recipes/``, whose docstring has its title, a colon and a sentence."""

    name: str
    title: str
    sentence: str
    source: str
    page: Callable[[], rx.Component]

    @property
    def route(self) -> str:
        return f"/recipes/{self.name.replace('_', '-')}"


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"app.recipes.{name}")


@functools.cache
def recipe(name: str) -> Recipe:
    module = _module(name)
    title, _, sentence = (module.__doc__ or "").strip().partition(": ")
    sentence = " ".join(sentence.split())
    return Recipe(
        name=name,
        title=title,
        sentence=sentence[:1].upper() + sentence[1:],
        source=Path(module.__file__ or "").read_text(encoding="utf-8"),
        page=module.page,
    )


def recipes() -> list[Recipe]:
    """Every recipe, in order."""
    return [recipe(name) for names in KINDS.values() for name in names]


def servers() -> list[Starlette]:
    """What the recipes serve beside their pages: their applications named ``server``."""
    found = (getattr(_module(name), "server", None) for names in KINDS.values() for name in names)
    return [server for server in found if server is not None]
