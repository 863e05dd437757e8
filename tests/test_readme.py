"""What the README shows works as it stands. Its first example runs in ``test_wheel.py``."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_first_example_is_a_whole_app_of_about_25_lines(readme: list[str]) -> None:
    lines = [line for line in readme[0].splitlines() if line.strip()]
    assert len(lines) <= 35
    assert "app.add_page(" in readme[0]
    assert ast.parse(readme[0])


def test_every_other_example_runs(readme: list[str]) -> None:
    for block in readme[1:]:
        ended = subprocess.run(
            [sys.executable, "-c", block], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"{block}\n{ended.stderr}"


def test_every_command_of_make_that_it_names_exists() -> None:
    named = re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text())
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {"run", "test"} <= set(named) <= set(targets)


def test_every_file_that_it_links_to_exists() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "README.md").read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []
