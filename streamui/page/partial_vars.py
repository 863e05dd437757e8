"""What can be read from an object of a known type while its fields are still coming.

A field that is missing reads as empty, where Reflex's own Vars give ``undefined``: in the page
that is this very word in an f-string, and an error where it is asked for its length.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from reflex_base.vars.base import Var
from reflex_base.vars.hybrid_property import hybrid_property
from reflex_base.vars.number import NumberVar
from reflex_base.vars.object import ObjectItemOperation, ObjectVar
from typing_extensions import ReadOnly, is_typeddict

# What JSON writes as text.
_TEXT = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID)
_EMPTY = {str: '""', list: "[]", bool: "false"}


class _Fields(type):
    """Gives a type that stands for a partial object an attribute for each of its fields.

    Reflex asks the type for a hybrid property before it makes a Var of its own for a field.
    """

    sources: tuple[Any, ...] = ()

    def __getattr__(cls, name: str) -> Any:
        kinds = [fields[name] for source in cls.sources if name in (fields := fields_of(source))]
        if not kinds:
            raise AttributeError(name)
        kind = partial(kinds[0]) if len(kinds) == 1 else _partial_union(tuple(kinds))
        return hybrid_property(lambda _: None).var(lambda var: _field(var, name, kind))


class Partial(metaclass=_Fields):
    """Stands in a Var's type for an object some of whose fields may be missing."""


class PartialInt(int):
    """Stands there for an integer that may be missing."""


class PartialFloat(float):
    """Stands there for a number that may be missing."""


class PartialVar(ObjectVar[Partial], python_types=Partial):
    """An object of a known type, of which as much can be read as has come."""


class PartialNumberVar(NumberVar, python_types=(PartialInt, PartialFloat)):
    """A number that may be missing; an f-string has nothing in its place then."""

    def __format__(self, format_spec: str) -> str:
        """Write the number as Reflex does, or nothing while there is none."""
        from reflex_components_core.core.cond import cond

        data = self._get_all_var_data()
        number = Var(_js_expr=str(self), _var_type=float, _var_data=data).guess_type()
        return format(cond(number.is_none(), "", f"{number:{format_spec}}"))


def fields_of(kind: Any) -> dict[str, Any]:
    """Return the fields of an object's type, as its JSON has them.

    Args:
        kind: A pydantic model, a dataclass or a TypedDict.

    Returns:
        The type of each by its name; none for anything else.
    """
    return _fields_of(kind) if isinstance(kind, type) else {}


@cache
def _fields_of(kind: Any) -> dict[str, Any]:
    if hasattr(kind, "model_fields"):
        computed = {name: field.return_type for name, field in kind.model_computed_fields.items()}
        return {name: field.annotation for name, field in kind.model_fields.items()} | computed
    if is_typeddict(kind) or dataclasses.is_dataclass(kind):
        return get_type_hints(kind)
    return {}


def partial(kind: Any) -> Any:
    """Return the type of a Var for something of which a part may be missing.

    Args:
        kind: The type of the whole.

    Returns:
        The same, with its objects and numbers as those that may be missing; what JSON writes
        as text is ``str``.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Annotated, Required, NotRequired, ReadOnly):
        return partial(inner[0])
    if origin in (Union, UnionType):
        return _partial_union(inner)
    if origin is Literal:
        return str if all(isinstance(choice, str) for choice in inner) else kind
    if isinstance(origin, type) and inner:
        return _partial_container(kind, origin, inner)
    if fields_of(kind):
        return _object(kind)
    return _partial_scalar(kind) if isinstance(kind, type) else kind


def _partial_union(parts: tuple[Any, ...]) -> Any:
    objects = [part for part in parts if fields_of(part)]
    if len(objects) > 1:
        others = [part for part in parts if part not in objects]
        parts = (_object(*objects), *others)
    return Union[tuple(each if _is_partial(each) else partial(each) for each in parts)]  # noqa: UP007


def _is_partial(kind: Any) -> bool:
    return isinstance(kind, _Fields)


def _partial_container(kind: Any, origin: type, inner: tuple[Any, ...]) -> Any:
    if issubclass(origin, Mapping):
        return dict[str, partial(inner[-1])]
    if issubclass(origin, AbstractSet | Sequence) and (len(inner) == 1 or inner[1:] == (...,)):
        return list[partial(inner[0])]
    return kind


def _partial_scalar(kind: type) -> Any:
    if issubclass(kind, enum.Enum):
        return str if all(isinstance(choice.value, str) for choice in kind) else Any
    if issubclass(kind, _TEXT):
        return str
    return {int: PartialInt, float: PartialFloat}.get(kind, kind)


@cache
def _object(*sources: Any) -> type[Partial]:
    name = "Or".join(source.__name__ for source in sources)
    return _Fields(name, (Partial,), {"sources": sources})


def _field(var: Any, name: str, kind: Any) -> Var:
    item = ObjectItemOperation.create(var, name, kind)
    empty = _EMPTY.get(get_origin(kind) or kind)
    if empty is None:
        return item.guess_type()
    data = item._get_all_var_data()
    return Var(_js_expr=f"({item!s} ?? {empty})", _var_type=kind, _var_data=data).guess_type()
