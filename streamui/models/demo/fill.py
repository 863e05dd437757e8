"""Instances of a JSON schema: valid for any schema, filled with what a source has to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from streamui.models.demo.numbers import number
from streamui.models.demo.schema import Schema, branches, height, kind_of, resolve
from streamui.models.demo.strings import fit
from streamui.models.demo.talk import InvalidError

_DEEP = 4
"""Levels below which only what must be there is there."""

_MOST = 2_000
"""Values in one instance, before only what must be there is there."""

_TOO_DEEP = 60
_TOO_MANY = 20_000


class Source(Protocol):
    """Where the values come from. What it gives is made to fit the schema."""

    sparse: bool
    """Whether what may be left out is left out when nothing is known of it."""

    def choose(self, name: str, options: Sequence[Any]) -> Any:
        """Choose one of an enum's values; ``None`` when nothing speaks for one."""
        ...

    def scalar(self, name: str, kind: str, schema: Schema, sure: bool) -> Any:
        """Give a string, a number or a boolean.

        Args:
            name: Of the field.
            kind: ``string``, ``integer``, ``number`` or ``boolean``.
            schema: Of the value.
            sure: Whether only what clearly belongs there will do.

        Returns:
            The value; ``None`` when there is none.
        """
        ...

    def inside(self, name: str) -> Source:
        """Give the source for the fields of an object."""
        ...

    def items(self, name: str, schema: Schema) -> list[Source]:
        """Give a source for each of the items that an array might have."""
        ...


class Filler:
    """Makes one instance.

    Args:
        root: The whole schema.
    """

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._count = 0

    def fill(self, source: Source) -> Any:
        """Make an instance.

        Args:
            source: Where its values come from.

        Raises:
            InvalidError: No instance can end, or the schema is broken.
        """
        try:
            return self._value(self._root, source, "", 0)
        except (AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidError("Invalid schema: it cannot be understood.") from error

    def _value(self, schema: object, source: Source, name: str, depth: int) -> Any:
        self._count += 1
        if depth > _TOO_DEEP or self._count > _TOO_MANY:
            raise InvalidError("Invalid schema: no instance of it can end, or it is too large.")
        found = resolve(schema, self._root)
        if "const" in found:
            return found["const"]
        if found.get("enum"):
            return self._option(found["enum"], source, name)
        found = self._branch(found, source, name, depth)
        if "const" in found:
            return found["const"]
        if found.get("enum"):
            return self._option(found["enum"], source, name)
        kind = kind_of(found)
        if kind == "object":
            return self._object(found, source, name, depth)
        if kind == "array":
            return self._array(found, source, name, depth)
        if kind == "null":
            return None
        return self._scalar(found, kind, source, name)

    def _branch(self, schema: Schema, source: Source, name: str, depth: int) -> Schema:
        found = branches(schema, self._root)
        if len(found) == 1:
            return found[0]
        real = [branch for branch in found if kind_of(branch) != "null"]
        empty = [branch for branch in found if kind_of(branch) == "null"]
        if self._ending(depth):
            return min(empty or real, key=lambda branch: height(branch, self._root))
        if empty and (not real or (source.sparse and not self._known(real[0], source, name))):
            return empty[0]
        if len(real) == 1:
            return real[0]
        labels = [str(branch.get("title") or kind_of(branch)) for branch in real]
        chosen = source.choose(name, labels)
        return real[labels.index(chosen) if chosen in labels else 0]

    def _known(self, schema: Schema, source: Source, name: str) -> bool:
        """Say whether the source has anything for a value that may be left out."""
        found = resolve(schema, self._root)
        if found.get("enum"):
            return source.choose(name, found["enum"]) is not None
        kind = kind_of(found)
        if kind in ("object", "array", "null"):
            return False
        return source.scalar(name, kind, found, True) is not None

    def _option(self, options: Sequence[Any], source: Source, name: str) -> Any:
        chosen = source.choose(name, [option for option in options if option is not None])
        if chosen in options:
            return chosen
        return None if source.sparse and None in options else options[0]

    def _object(self, schema: Schema, source: Source, name: str, depth: int) -> dict[str, Any]:
        inner = source.inside(name)
        required = schema.get("required") or ()
        made: dict[str, Any] = {}
        properties: dict[str, Any] = schema.get("properties") or {}
        for key, part in properties.items():
            if key not in required and (
                self._ending(depth) or (inner.sparse and not self._wanted(part, inner, key))
            ):
                continue
            made[key] = self._value(part, inner, key, depth + 1)
        rest: Any = schema.get("additionalProperties", True)
        for key in required:
            if key not in made:
                made[key] = self._value(rest, inner, key, depth + 1)
        least = min(_TOO_MANY, int(schema.get("minProperties") or 0))
        open_ended = isinstance(rest, dict)
        if open_ended and not self._ending(depth) and not inner.sparse:
            least = max(least, len(made) + 2)
        if rest is not False:
            for place, each in enumerate(inner.items(name, {"minItems": least})[:least]):
                if len(made) < least:
                    made[f"key_{place + 1}"] = self._value(rest, each, name, depth + 1)
        return made

    def _wanted(self, schema: object, source: Source, name: str) -> bool:
        found = resolve(schema, self._root)
        real = [branch for branch in branches(found, self._root) if kind_of(branch) != "null"]
        return bool(real) and self._known(real[0], source, name)

    def _array(self, schema: Schema, source: Source, name: str, depth: int) -> list[Any]:
        places: list[Any] = list(schema.get("prefixItems") or ())
        first = source.items(name, {"minItems": len(places)})
        made = [
            self._value(part, each, name, depth + 1)
            for part, each in zip(places, first, strict=False)
        ]
        least, most = int(schema.get("minItems") or 0), schema.get("maxItems")
        if least > _TOO_MANY:
            raise InvalidError("Invalid schema: 'minItems' is too large.")
        item: Any = schema.get("items", not places or least > len(places))
        if item is False or item is None:
            return made
        sources = source.items(name, schema)
        if self._ending(depth) or height(item, self._root) >= _TOO_DEEP:
            sources = sources[:least]
        if isinstance(most, int):
            sources = sources[:most]
        for each in sources[len(made) :]:
            value = self._value(item, each, name, depth + 1)
            if schema.get("uniqueItems") and value in made:
                if len(made) >= least:
                    continue
                value = _other(resolve(item, self._root), value, made)
            made.append(value)
        return made

    def _scalar(self, schema: Schema, kind: str, source: Source, name: str) -> Any:
        value = source.scalar(name, kind, schema, False)
        if kind == "boolean":
            return bool(value)
        if kind in ("integer", "number"):
            return number(value, schema, kind == "integer")
        return fit(str(value) if value is not None else name or "text", schema)

    def _ending(self, depth: int) -> bool:
        return depth >= _DEEP or self._count > _MOST


def _other(schema: Schema, value: Any, taken: list[Any]) -> Any:
    """Change a value so that it is none of those that are taken."""
    for option in schema.get("enum") or (False, True) if isinstance(value, bool) else ():
        if option not in taken:
            return option
    for place in range(2, 1_000):
        if isinstance(value, str):
            # The number is kept when the length is cut.
            room = int(schema.get("maxLength", 1_000)) - len(f" {place}")
            numbered = f"{value[:room]} {place}" if room > 0 else str(place)
            changed: Any = fit(numbered, schema, place)
        elif isinstance(value, int | float):
            changed = number(value + place * (schema.get("multipleOf") or 1), schema, True)
        else:
            break
        if changed not in taken:
            return changed
    return value
