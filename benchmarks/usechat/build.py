"""Build the rival's page and server: Node's packages, what is streamed, the bundle."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.cases import TEXT_CASES
from benchmarks.tokens import TOKEN_LENGTH, plain_text

FOLDER = Path(__file__).parent
BUILT = FOLDER / "built"
LOCK = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / "installed"
"""A copy of the lock file that `node_modules` was made from."""
PROGRAMS = Path(sys.executable).parent


class BuildError(RuntimeError):
    """npm failed; the message carries what it said."""


def build() -> None:
    """Install the packages when the lock file has changed, and bundle the page.

    Raises:
        BuildError: If npm cannot do either.
    """
    if not INSTALLED.exists() or INSTALLED.read_text() != LOCK.read_text():
        _npm("ci", "--no-audit", "--no-fund")
        INSTALLED.write_text(LOCK.read_text())
    BUILT.mkdir(exist_ok=True)
    cases = [asdict(case) | {"button": case.button} for case in TEXT_CASES]
    (BUILT / "cases.json").write_text(json.dumps(cases))
    # A shorter answer is the beginning of the longest one.
    text = plain_text(max(case.count for case in TEXT_CASES))
    (BUILT / "text.json").write_text(json.dumps({"text": text, "tokenLength": TOKEN_LENGTH}))
    _npm("run", "build")


def version() -> str:
    """Return the version of the AI SDK that is pinned."""
    return json.loads((FOLDER / "package.json").read_text())["dependencies"]["ai"]


def _npm(*arguments: str) -> None:
    done = subprocess.run(
        [str(PROGRAMS / "npm"), *arguments],
        cwd=FOLDER,
        env=os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise BuildError(f"npm {' '.join(arguments)} failed\n{done.stdout[-4000:]}")
