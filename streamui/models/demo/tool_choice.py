"""Which functions the demo model calls for a question, and with which arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from streamui.models.demo.ask import Ask, Function
from streamui.models.demo.clues import Clues
from streamui.models.demo.fill import Filler, Source
from streamui.models.demo.schema import Schema, branches, kind_of, resolve
from streamui.models.demo.talk import ToolCall
from streamui.models.demo.words import READ, meant_by, stem, words_of

_MANY = 99

_SPLIT = re.compile(
    r"\s*(?:[?!;\n]+|\.(?=\s|$)|,(?!\d)|&|\b(?:and|or|then|as well as|plus)\b)\s*", re.I
)
_IN_TURN = re.compile(r"\bthen\b|\bafter that\b|\bone (?:by one|after the other)\b", re.I)
_GENERIC = frozenset(
    map(
        stem,
        "a about all an and any api ask at by call check current data do fetch find for from "
        "function get given give has have how in info information into is it its list load look "
        "lookup make me of on one or please return returns run set show some tell that the their "
        "them this to tool up use user value what when where which who will with you your "
        "want like would could can let need know much many write new".split(),
    )
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A call that is to be made.

    Attributes:
        name: Of the function.
        arguments: JSON text.
    """

    name: str
    arguments: str


@dataclass(slots=True)
class _Group:
    function: Function
    texts: list[str] = field(default_factory=list[str])


def plan(ask: Ask, question: str, made: Sequence[ToolCall]) -> tuple[Planned, ...]:
    """Choose the calls to make now.

    Args:
        ask: The request, with its functions and what it says of them.
        question: Without its steering.
        made: The calls that were made for this question before.

    Returns:
        None when it is time to answer; several are to be made at once.
    """
    if ask.mode == "none" or not ask.tools:
        return ()
    question = question[:READ]
    wanted = _calls(ask.tools, question)
    if ask.mode == "required" and not wanted:
        wanted = [_call(_Group(_best(ask.tools, question) or ask.tools[0], [question]))]
    done = [Planned(call.name, _compact(arguments_of(call))) for call in made]
    left: list[Planned] = []
    for call in wanted:
        if call in done:
            done.remove(call)
        else:
            left.append(call)
    if not left and ask.mode == "required":
        left = wanted  # it must call one, every time
    if not ask.parallel or _IN_TURN.search(question):
        left = left[:1]
    return tuple(left)


def _calls(functions: Sequence[Function], question: str) -> list[Planned]:
    groups: list[_Group] = []
    first: list[str] = []
    for clause in _clauses(question):
        function = _best(functions, clause)
        if function is None:
            if groups:
                _go_on(groups, clause)
            elif Clues(clause).candidates:
                first.append(clause)
        elif groups and groups[-1].function is function and not _full(groups[-1]):
            groups[-1].texts.append(clause)
        else:
            groups.append(_Group(function, [clause]))
    if groups and not _full(groups[0]):
        # "What is 12 times 9? Multiply it."
        groups[0].texts[:0] = first
    planned = [_call(group) for group in groups]
    return list(dict.fromkeys(planned))


def _go_on(groups: list[_Group], clause: str) -> None:
    """Add a clause that names no function: another call of the last, or more of its values."""
    last = groups[-1]
    if Clues(clause).bare() and _full(last):
        groups.append(_Group(last.function, [clause]))
    else:
        last.texts.append(clause)


def _full(group: _Group) -> bool:
    """Say whether a group has a value for each of the function's parameters."""
    clues = Clues(" and ".join(group.texts), words_of(group.function.name))
    return len(clues.candidates) >= _room(group.function)


def _room(function: Function) -> int:
    """Count the values that a function needs; an array has room for any number."""
    root = function.parameters
    properties: dict[str, Any] = resolve(root, root).get("properties") or {}
    room = 0
    for name in resolve(root, root).get("required") or ():
        part = resolve(properties.get(name, {}), root)
        kinds = {kind_of(branch) for branch in branches(part, root)}
        if "array" in kinds:
            return _MANY
        if "enum" not in part and kinds <= {"string", "integer", "number"}:
            room += 1
    return max(1, room)


def _clauses(question: str) -> list[str]:
    kept: list[str] = []

    def hide(found: re.Match[str]) -> str:
        kept.append(found.group())
        return f"\ue000{len(kept) - 1}\ue001"

    hidden = re.sub(r"[\"“«][^\"”»]*[\"”»]|(?<!\w)'[^']+'(?!\w)", hide, question)
    parts = (part for part in _SPLIT.split(hidden) if part.strip())
    return [re.sub("\ue000(\\d+)\ue001", lambda f: kept[int(f.group(1))], part) for part in parts]


def _best(functions: Sequence[Function], clause: str) -> Function | None:
    said = meant_by(clause) - _GENERIC
    scores = [_score(function, said, clause) for function in functions]
    best = max(scores, default=0)
    return functions[scores.index(best)] if best > 0 else None


def _score(function: Function, said: set[str], clause: str) -> int:
    if re.search(rf"(?<![\w-]){re.escape(function.name)}(?![\w-])", clause) and (
        not function.name.isalpha() or function.name in said
    ):
        return 1_000
    name = {stem(word) for word in words_of(function.name)} - _GENERIC
    first = re.split(r"(?<=[.!?])\s", function.description.strip(), maxsplit=1)[0]
    about = {stem(word) for word in words_of(first) if len(word) > 2} - _GENERIC
    return 10 * len(said & name) + len(said & (about - name))


def _call(group: _Group) -> Planned:
    function = group.function
    parameters = resolve(function.parameters, function.parameters)
    properties: dict[str, Any] = parameters.get("properties") or {}
    counts = [name for name, part in properties.items() if _counts(part, parameters)]
    clues = Clues(" and ".join(group.texts), words_of(function.name), counts)
    made = Filler(parameters).fill(_Given(clues))
    return Planned(function.name, _compact(made))


def _counts(schema: object, root: Schema) -> bool:
    kinds = {kind_of(branch) for branch in branches(resolve(schema, root), root)}
    return bool(kinds & {"integer", "number"})


class _Given(Source):
    """Arguments out of the question."""

    sparse = True

    def __init__(self, clues: Clues) -> None:
        self._clues = clues

    def choose(self, name: str, options: Sequence[Any]) -> Any:
        return self._clues.one_of(options)

    def scalar(self, name: str, kind: str, schema: Schema, sure: bool) -> Any:
        value = self._said(name, kind, schema, sure)
        if value is not None or sure:
            return value
        examples: Any = schema.get("examples")
        if schema.get("default") is not None:
            return schema["default"]
        if isinstance(examples, list) and examples:
            return cast("list[Any]", examples)[0]
        return self._clues.phrase() if kind == "string" else None

    def _said(self, name: str, kind: str, schema: Schema, sure: bool) -> Any:
        if kind == "boolean":
            return self._clues.boolean(name)
        if kind in ("integer", "number"):
            return self._clues.number(name)
        format = schema.get("format")
        if isinstance(format, str):
            return self._clues.formatted(format)
        return self._clues.string(name, sure)

    def inside(self, name: str) -> Source:
        return self

    def items(self, name: str, schema: Schema) -> list[Source]:
        least = int(schema.get("minItems") or 0)
        values = self._clues.candidates or [self._clues.phrase()]
        while len(values) < least:
            values.append(values[len(values) % max(1, len(self._clues.candidates))])
        return [_Given(Clues(f'"{value}"' if not _numeric(value) else value)) for value in values]


def _numeric(value: str) -> bool:
    return re.fullmatch(r"-?\d+(?:\.\d+)?", value) is not None


def _compact(arguments: Mapping[str, Any]) -> str:
    """Write arguments in one way: clients send them back with other blanks than they came."""
    return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False)


def arguments_of(call: ToolCall) -> Mapping[str, Any]:
    """Read a call's arguments; what is no object has none."""
    try:
        read = json.loads(call.arguments)
    except ValueError:
        return {}
    return cast("dict[str, Any]", read) if isinstance(read, dict) else {}
