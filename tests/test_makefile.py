"""What `make` leaves out and takes away; the other targets have tests of what they make."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_what_no_backend_needs_is_not_exported() -> None:
    command = ["make", "--dry-run", "--always-make", "export"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    words = shlex.split(done.stdout.partition("reflex export")[2].replace("\\\n", " "))
    left_out = {word for flag, word in pairwise(words) if "exclude" in flag}
    assert left_out == {"node_modules", "tests", "benchmarks"}


def test_clean_takes_away_what_the_benchmarks_have_built(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    usechat = tmp_path / "benchmarks" / "usechat"
    for folder in ("node_modules/react", "built"):
        (usechat / folder).mkdir(parents=True)
    (usechat / "page.jsx").touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert [each.name for each in usechat.iterdir()] == ["page.jsx"]
