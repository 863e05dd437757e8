"""The wheel alone, in an empty environment, runs the README's first example."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from streamui.testing import AppServer

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", folder], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_carries_everything_of_the_package_and_nothing_else(wheel: Path) -> None:
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "streamui").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert carried == package
    assert "streamui/py.typed" in carried
    assert any(name.endswith(".jsx") for name in carried)


@pytest.fixture
def server(wheel: Path, readme: list[str], tmp_path: Path) -> Iterator[AppServer]:
    """The README's first example, in an environment with the wheel and what it asks for."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", wheel], check=True, capture_output=True
    )
    with AppServer.from_source(readme[0], tmp_path / "app", python=str(python)) as server:
        yield server


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(600)  # installs Reflex, Node and all npm packages from nothing
def test_the_readmes_example_runs_on_the_wheel_alone(server: AppServer, page: Page) -> None:
    page.goto(server.url)
    expect(page.get_by_text("ready")).to_be_visible()  # the state has come: the socket is there

    question = page.get_by_role("textbox")
    question.fill("Write 300 words about rivers at 30 words per second")
    question.press("Enter")
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    expect(page.get_by_text("text-delta")).to_be_visible()

    some = words_on(page)
    page.wait_for_function(f"document.body.innerText.match(/\\w+/g).length > {some} + 10")
    stop.click()
    expect(stop).to_be_hidden()
    assert some + 10 < words_on(page) < 250

    question.fill("Write 20 words about lakes at 0 words per second")
    question.press("Enter")
    expect(page.get_by_text(re.compile("lake", re.IGNORECASE)).first).to_be_visible()
    expect(stop).to_be_hidden()


def words_on(page: Page) -> int:
    return len(re.findall(r"\w+", page.locator("body").inner_text()))
