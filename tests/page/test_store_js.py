import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent.parent / "js"


@pytest.mark.parametrize("file", sorted(JS.glob("*.test.mjs")), ids=lambda file: file.name)
def test_javascript_without_react_passes_its_own_tests(file, node):
    done = subprocess.run([node, "--test", file], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
