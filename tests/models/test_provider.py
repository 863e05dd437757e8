"""Models by name, and where each is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import streamui as ui
from streamui.errors import ModelError
from streamui.models.client import aclose_default_clients, default_client
from streamui.models.provider import Model, models, resolve
from streamui.settings import Settings, settings

KEY = "sk-live-abcdefghijklmnop"


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """An empty configuration, and an environment with a key of the test's own."""
    monkeypatch.setattr(settings, "models", {})
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("MINE_KEY", KEY)
    yield settings.models


def test_a_model_is_configured_as_itself_as_its_arguments_or_as_a_name(
    configured: dict[str, object],
) -> None:
    local = Model("qwen3", "http://localhost:8000/v1", api="chat")
    configured |= {"a": local, "b": {"name": "qwen3", "api": "chat"}, "c": "gpt-x"}
    assert ui.models("a") is local
    assert ui.models("b") == Model("qwen3", api="chat")
    assert ui.models("c") == Model("gpt-x")


def test_the_environment_configures_models() -> None:
    chosen = Settings.from_environment({"STREAMUI_MODELS": '{"fast": {"name": "gpt-x"}}'})
    assert chosen.models == {"fast": {"name": "gpt-x"}}


@pytest.mark.parametrize("text", ["", "[]", f'{{"fast": "{KEY}"'])
def test_what_is_no_json_object_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="STREAMUI_MODELS must be a JSON object") as raised:
        Settings.from_environment({"STREAMUI_MODELS": text})
    assert KEY not in str(raised.value)


def test_a_name_that_is_not_configured_is_an_error_that_says_which_are(
    configured: dict[str, object],
) -> None:
    configured["slow"] = "gpt-x"
    with pytest.raises(ModelError, match="slow") as raised:
        models("fast")
    assert raised.value.code == "not_found"


@pytest.mark.parametrize("given", [{"nmae": KEY}, 3, {"name": "x", "key": KEY}])
def test_what_is_no_model_is_refused_and_not_repeated(
    configured: dict[str, object], given: object
) -> None:
    configured["fast"] = given
    with pytest.raises(ValueError, match=r"models\['fast'\]|name of the environment") as raised:
        models("fast")
    assert KEY not in repr(raised.value)


@pytest.mark.parametrize("key", [KEY, "", "two words"])
def test_a_key_is_the_name_of_a_variable(key: str) -> None:
    with pytest.raises(ValueError, match="name of the environment variable") as raised:
        Model("gpt-x", key=key)
    assert not key or key not in str(raised.value)


def test_a_model_shows_no_secret() -> None:
    shown = repr(Model("gpt-x", "https://me:secret12@example.org/v1", "MINE_KEY"))
    assert "MINE_KEY" in shown and "example.org" in shown
    assert KEY not in shown and "secret12" not in shown


def test_an_api_is_one_of_two() -> None:
    with pytest.raises(ValueError, match="responses"):
        Model("gpt-x", api="assistants")  # pyright: ignore[reportArgumentType]


def test_the_configuration_goes_before_the_providers_names(configured: dict[str, object]) -> None:
    configured["fast"] = {"name": "gpt-x", "api": "chat"}
    assert resolve("fast") == Model("gpt-x", api="chat")
    assert resolve("gpt-y") == Model("gpt-y")
    assert resolve(None) == resolve(Model()) == Model(ui.default_model())
    configured["default"] = "fast-one"
    assert resolve(None) == Model("fast-one")


async def test_a_client_is_made_once_for_each_setting_and_closed_with_the_default_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Model("a", "http://127.0.0.1:9/v1", "MINE_KEY")
    client = one.client()
    assert client.api_key == KEY and str(client.base_url) == "http://127.0.0.1:9/v1/"
    assert Model("b", "http://127.0.0.1:9/v1", "MINE_KEY").client() is client
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    assert Model("a").client() is default_client()
    # A key goes to whom it is for.
    assert Model("a", "http://127.0.0.1:9/v1").client().api_key == "none"
    await aclose_default_clients()
    assert client.is_closed()


async def test_a_variable_without_a_key_is_an_authentication_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MINE_KEY")
    result = ui.stream_text("Hello", model=Model("a", "http://127.0.0.1:9/v1", "MINE_KEY"))
    with pytest.raises(ModelError, match="MINE_KEY") as raised:
        await result
    assert raised.value.code == "authentication"
