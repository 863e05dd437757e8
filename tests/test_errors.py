"""docs/errors.md has every error that a person can meet, as the code has it, and no other."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streamui import errors
from streamui.errors import LimitError, ModelError, ProtocolError, StreamUIError, ToolError
from streamui.http.problems import problem
from streamui.streamable.failure import Failure

ROOT = Path(__file__).parent.parent
MANY_CODES = (ModelError, ToolError)
PARTS = re.compile(r"\$\{[^}]*(?:\{[^}]*\}[^}]*)*\}")  # what JavaScript fills in


class Row(NamedTuple):
    code: str
    sentence: str
    status: str


def rows() -> list[Row]:
    """The table of the docs; a row of several codes is several."""
    found: list[Row] = []
    for line in (ROOT / "docs" / "errors.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| code"):
            codes, sentence, status, when, _todo = [cell.strip() for cell in line.split("|")[1:-1]]
            assert when, line
            found += [Row(code, sentence, status) for code in re.findall(r"`(\w+)`", codes) or [""]]
    return found


def classes() -> list[type[StreamUIError]]:
    """Every exception of streamui.errors but those with many codes."""
    known = vars(errors).values()
    kinds = [kind for kind in known if inspect.isclass(kind) and issubclass(kind, StreamUIError)]
    return [kind for kind in kinds if kind not in MANY_CODES]


def refusals() -> Iterator[Row]:
    """What streamui/http refuses a request with, in so many words."""
    for path in (ROOT / "streamui" / "http").glob("*.py"):
        module = importlib.import_module(f"streamui.http.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "refuse"):
                continue
            status, code, sentence = node.args[:3]
            if not isinstance(code, ast.Constant):
                continue  # that of an exception
            yield Row(str(code.value), _words(sentence, module), ast.unparse(status))


def _words(node: ast.expr, module: Any) -> str:
    if isinstance(node, ast.Name):
        return str(getattr(module, node.id))
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
        )
    assert isinstance(node, ast.Constant)
    return str(node.value)


def of_the_composer() -> Iterator[str]:
    """What the composer says to whoever writes in it."""
    source = (ROOT / "streamui" / "components" / "composer.jsx").read_text()
    yield from re.findall(r'^const OFFLINE = "(.*)";$', source, re.M)
    for text in re.findall(r"^const tooLong = .*\n\s*`(.*)`;$", source, re.M):
        yield PARTS.sub("…", text)


def status_of(error: Exception) -> str:
    """The status of HTTP that it is answered with; empty where that is a server's failure."""
    status = problem(error).status_code
    return str(status) if status != 500 or type(error) is StreamUIError else ""


def expected() -> list[Row]:
    every = [
        Row(kind.code, kind.sentence, "" if issubclass(kind, ProtocolError) else status)
        for kind in classes()
        for status in [status_of(kind("x", 1) if kind is LimitError else kind("x"))]
    ]
    refused = problem(ProtocolError("x"))
    told = json.loads(bytes(refused.body))
    every.append(Row(told["code"], told["message"], str(refused.status_code)))
    for kind in MANY_CODES:
        every += [Row(code, sentence, "") for code, sentence in kind.sentences.items()]
    every += refusals()
    every += [Row("", sentence, "") for sentence in of_the_composer()]
    return every


def test_the_table_has_every_error_and_no_other() -> None:
    assert sorted(rows()) == sorted(set(expected()))
    assert len(list(of_the_composer())) == 2
    assert len(list(refusals())) >= 4


def test_no_two_errors_are_told_alike() -> None:
    every = rows()
    assert len({row[:2] for row in every}) == len(every)


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_a_page_is_told_the_code_and_the_sentence_and_not_the_text(
    kind: type[StreamUIError],
) -> None:
    error = kind("secret text", 1) if kind is LimitError else kind("secret text")
    told = Failure.of(error).as_json()
    assert (told["code"], told["message"]) == (kind.code, kind.sentence)
    assert "secret" not in json.dumps(told)


@pytest.mark.parametrize("kind", MANY_CODES)
def test_every_code_has_a_sentence_and_is_in_the_docstring(kind: Any) -> None:
    for code in kind.sentences:
        assert kind(code=code).sentence == kind.sentences[code]
        assert f"``{code}``" in kind.__doc__


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    names = re.findall(r"[├└]── (\w+) \((\w+)\)", errors.__doc__ or "")
    every = [*classes(), *MANY_CODES]
    assert dict(names) == {
        kind.__name__: kind.__bases__[1].__name__ for kind in every if kind is not StreamUIError
    }
