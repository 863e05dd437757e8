"""What every recipe is: short, whole, made of public names, and in the gallery."""

import ast
from pathlib import Path

import httpx
import pytest

import streamui as ui
from app.pages.recipes.catalogue import KINDS, recipes, servers
from app.recipes import event_source

FOLDER = Path(__file__).parents[2] / "app" / "recipes"
FILES = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recipe_is_short_and_uses_public_names(path):
    source = path.read_text()
    assert len(source.splitlines()) < 80
    assert "```" not in source  # it is shown within these
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in ("app", "streamui")
        elif isinstance(node, ast.Import):
            assert not any(each.name.startswith("streamui.") for each in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert node.value.id != "ui" or node.attr in ui.__all__


def test_all_are_in_the_gallery_and_say_what_they_are():
    shown = [name for names in KINDS.values() for name in names]
    assert sorted(shown) == [path.stem for path in FILES]
    assert len({each.route for each in recipes()}) == len(shown)
    for each in recipes():
        assert each.title and each.sentence.endswith("."), each.name
        assert len(each.title) + len(each.sentence) < 130, each.name


async def test_an_event_source_that_comes_back_is_sent_what_it_lacks():
    assert event_source.server in servers()
    transport = httpx.ASGITransport(event_source.server)
    async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
        answer = await client.get("/api/updates", headers={"last-event-id": "9"})
        assert '"count": 10' in answer.text
        assert '"count": 9' not in answer.text
        assert "event: done" in answer.text
        over = await client.get("/api/updates", headers={"last-event-id": "10"})
        assert "count" not in over.text
