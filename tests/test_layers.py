"""The house has one direction: a lower row never imports a higher one."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Bottom to top. The package itself, `import streamui`, is the top: it offers all the others.
ROWS = (
    "errors",
    "settings",
    "redaction",
    "reflex_hook",
    "streamable",
    "store",
    "models",
    "server",
    "http",
    "page",
    "components",
    "chat",
    "testing",
)
# What a row below Reflex may use from outside, beside the standard library.
OUTSIDE = {
    "errors": set[str](),
    "settings": set[str](),
    "redaction": set[str](),
    "reflex_hook": {"wrapt"},
    "streamable": set[str](),
    "store": {"redis"},
    # Starlette and uvicorn are the demo model's; a tool's description is in its docstring; text
    # is cut between characters as people see them.
    "models": {
        "docstring_parser",
        "openai",
        "pydantic",
        "pydantic_core",
        "regex",
        "starlette",
        "typing_extensions",
        "uvicorn",
    },
    # Signed links, loaded when one is made or shown; metrics, where an app uses them.
    "server": {"itsdangerous", "opentelemetry", "prometheus_client"},
    "http": {"httpx", "prometheus_client", "starlette"},
}


def imported_modules(source: str) -> Iterator[tuple[int, str]]:
    """Every import of a file with its line, those inside functions and for types too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def row_of(module: str) -> str:
    """``streamui.store.store`` is of the row ``store``."""
    return module.split(".")[1] if "." in module else ""


def upward_imports(row: str, source: str) -> list[str]:
    """What a file of this row imports and must not."""
    own = ROWS.index(row)
    found: list[str] = []
    for line, module in imported_modules(source):
        package = module.partition(".")[0]
        if package == "streamui":
            rank = ROWS.index(row_of(module)) if row_of(module) else len(ROWS)
            if rank > own:
                found.append(f"{line}: {row} imports {module}, which is above it")
        elif package not in sys.stdlib_module_names and package not in OUTSIDE.get(row, {package}):
            found.append(f"{line}: {row} imports {module}, which it must do without")
    return found


def test_no_row_imports_a_higher_one() -> None:
    package = ROOT / "streamui"
    found: list[str] = []
    for path in sorted(package.rglob("*.py")):
        row = path.relative_to(package).parts[0].removesuffix(".py")
        if row != "__init__":
            found += [f"{path}:{each}" for each in upward_imports(row, path.read_text())]
    assert not found, "\n".join(found)


def test_the_app_and_the_examples_use_public_names_only() -> None:
    found = [
        f"{path}:{line}: {module}"
        for folder in ("app", "examples")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, module in imported_modules(path.read_text())
        if module.startswith("streamui.")
    ]
    assert not found, "\n".join(found)


def test_an_upward_import_is_found_wherever_it_hides() -> None:
    below = "def late():\n    from streamui.page.vars import StreamableVar\n"
    assert upward_imports("store", below) == [
        "2: store imports streamui.page.vars, which is above it"
    ]
    assert upward_imports("page", "import streamui as ui")
    assert upward_imports("streamable", "import pydantic")
    assert upward_imports("models", "import reflex")
    assert not upward_imports("models", "import json, openai\nimport streamui.errors")
