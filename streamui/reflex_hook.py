"""Reflex learns of streamables when both are there, in whichever order they are imported."""

from __future__ import annotations

import importlib
from types import ModuleType

import wrapt

# The first Reflex module that knows what a state is; no state class can exist before it.
_STATE_MODULE = "reflex.state"


def register() -> None:
    """Have streamables registered with Reflex now, or as soon as Reflex is imported."""
    wrapt.register_post_import_hook(_register, _STATE_MODULE)


def _register(module: ModuleType) -> None:
    importlib.import_module("streamui.page.registration")
