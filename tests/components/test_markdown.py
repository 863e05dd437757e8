import re
from pathlib import Path

import pytest
import reflex as rx

import streamui.components.markdown as module
from streamui.components.markdown import PACKAGES, markdown

HERE = Path(module.__file__).parent


def props_of(component: rx.Component) -> dict[str, str]:
    return {name: str(value) for name, value in component._render().props.items()}


def test_plain_text_and_options_reach_the_component():
    props = props_of(markdown("# Hi", images=["/static/"], caret=True))
    assert props["source"] == '"# Hi"'
    assert props["images"] == '["/static/"]'
    assert props["caret"] == "true"


def test_images_are_off_unless_asked_for():
    assert props_of(markdown("x"))["images"] == "false"


def test_one_string_of_images_says_that_a_list_was_meant():
    with pytest.raises(TypeError, match=r"images=\['https://cdn\.example\.com/'\]"):
        markdown("x", images="https://cdn.example.com/")


def test_every_module_that_is_imported_beside_it_is_linked_into_the_app():
    linked = {path.name for path in Path("assets/external/streamui/components/markdown").iterdir()}
    for name in sorted(linked):
        for found in re.findall(r'(?:from|import) ?\(?"\./([^"]+)"', (HERE / name).read_text()):
            assert found in linked, f"{name} imports {found}"
    assert {path.name for path in HERE.glob("markdown*") if path.suffix != ".py"} == linked


def test_npm_packages_are_pinned_and_all_that_the_modules_import():
    assert markdown("x").lib_dependencies == list(PACKAGES)
    pinned = {dep.rpartition("@")[0]: dep.rpartition("@")[2] for dep in PACKAGES}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values())
    imported = set()
    for path in HERE.glob("markdown*.js*"):
        for name in re.findall(r'(?:from|import) ?\(?"([a-z@][^"]*)"', path.read_text()):
            imported.add(name.split("/")[0])
    assert imported - {"react"} == set(pinned)
