"""Models by name: which provider has them, how it is reached, and what it speaks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from streamui.errors import ModelError
from streamui.models.client import client_at, default_client, default_model
from streamui.redaction import redact
from streamui.settings import settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Api: TypeAlias = Literal["responses", "chat"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, repr=False)
class Model:
    """A model of any OpenAI-compatible provider.

    Example::

        ui.settings.models["local"] = ui.Model("qwen3", "http://localhost:8000/v1", api="chat")
        result = ui.stream_text("Why is the sky blue?", model="local")

    Attributes:
        name: As the provider calls it; ``""`` is :func:`~streamui.models.client.default_model`.
        base_url: The provider's address, its version included. ``None`` is that of
            :func:`~streamui.models.client.default_client`.
        key: The *name* of the environment variable with the key, never the key. ``None`` is no
            key where an address is given, so that none is sent to where it does not belong.
        api: ``responses``, or ``chat`` for Chat Completions, which most servers speak.

    Raises:
        ValueError: ``key`` is no name of a variable, or ``api`` is neither.
    """

    name: str = ""
    base_url: str | None = None
    key: str | None = None
    api: Api = "responses"

    def __post_init__(self) -> None:
        if self.api not in ("responses", "chat"):
            raise ValueError(f"api is 'responses' or 'chat', not {self.api!r}")
        # What is refused is not repeated: it may be a key.
        if self.key is not None and (
            not _VARIABLE.fullmatch(self.key) or redact(self.key) != self.key
        ):
            raise ValueError("key is the name of the environment variable that has the key")

    def __repr__(self) -> str:
        given = {"base_url": self.base_url and redact(self.base_url), "key": self.key}
        words = [repr(self.name), *(f"{name}={value!r}" for name, value in given.items() if value)]
        return f"Model({', '.join(words)}, api={self.api!r})"

    def client(self) -> AsyncOpenAI:
        """Get the client for this provider, made once for each event loop and setting.

        Returns:
            A client of the ``openai`` package, shared: leave it open.

        Raises:
            ModelError: ``authentication``: the variable that ``key`` names is not set.
        """
        if self.base_url is None and self.key is None:
            return default_client()
        key = None
        if self.key is not None and not (key := os.environ.get(self.key)):
            raise ModelError(f"the variable {self.key} has no key", code="authentication")
        return client_at(key, self.base_url or os.environ.get("OPENAI_BASE_URL") or None)


def models(name: str) -> Model:
    """Get a model by the name that the configuration gives it.

    The configuration is ``settings.models``, or the environment variable ``STREAMUI_MODELS`` as
    JSON: names, and for each a :class:`Model`, its arguments, or only a model's name::

        STREAMUI_MODELS='{"fast": "gpt-5.4-mini",
                          "local": {"name": "qwen3", "base_url": "http://localhost:8000/v1",
                                    "api": "chat"}}'

    The one called ``default`` is taken where no model is named.

    Args:
        name: The name in the configuration.

    Returns:
        The model.

    Raises:
        ModelError: ``not_found``: the configuration has no such name.
        ValueError: What it has there is no model.
    """
    if name not in settings.models:
        known = ", ".join(map(str, settings.models)) or "none"
        raise ModelError(f"no model is configured as {name!r}; there is: {known}", code="not_found")
    given: Any = settings.models[name]
    if isinstance(given, Model):
        return given
    if isinstance(given, str):
        return Model(given)
    if isinstance(given, Mapping):
        try:
            return Model(**cast("Mapping[str, Any]", given))
        except TypeError:
            pass  # not chained: it may repeat a key
    raise ValueError(f"models[{name!r}] is no model: give name, base_url, key and api")


def resolve(model: Model | str | None = None) -> Model:
    """Find out which model is meant.

    Args:
        model: A model; a name of the configuration, else a model of the default provider; or
            ``None``, which is ``default`` of the configuration, else the default model.

    Returns:
        The model; its name is never empty.

    Raises:
        ValueError: What the configuration has under that name is no model.
    """
    if model is None:
        model = models("default") if "default" in settings.models else Model()
    elif isinstance(model, str):
        model = models(model) if model in settings.models else Model(model)
    if model.name:
        return model
    return Model(default_model(), model.base_url, model.key, model.api)
