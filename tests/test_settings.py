import dataclasses
from pathlib import Path

import pytest

from streamui.settings import Settings

DOCS = Path(__file__).parent.parent / "docs" / "settings.md"


def test_the_environment_sets_a_field_by_its_name():
    chosen = Settings.from_environment(
        {"STREAMUI_FRAME_INTERVAL": "0.1", "STREAMUI_MESSAGE_LIMIT": "5", "OTHER": "x"}
    )
    assert chosen == Settings(frame_interval=0.1, message_limit=5)
    assert isinstance(chosen.message_limit, int)


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan"])
def test_what_is_no_number_is_refused_and_named(text):
    with pytest.raises(ValueError, match="STREAMUI_RETAIN must be a number"):
        Settings.from_environment({"STREAMUI_RETAIN": text})


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_every_setting_is_in_the_docs(field):
    assert f"| `{field.name}` |" in DOCS.read_text()
    assert f"{field.name}:" in (Settings.__doc__ or "")
