import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent.parent / "js"


FILES = sorted(JS.glob("*.test.mjs"))
SLOW = {"markdown_blocks.test.mjs": pytest.mark.slow}  # it cuts texts at every character


@pytest.mark.parametrize(
    "file", [pytest.param(file, marks=SLOW.get(file.name, ()), id=file.name) for file in FILES]
)
def test_javascript_without_react_passes_its_own_tests(file, node):
    done = subprocess.run([node, "--test", file], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
