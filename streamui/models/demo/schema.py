"""Reading JSON schemas: references, alternatives, and what "strict" asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

from streamui.models.demo.talk import InvalidError

Schema: TypeAlias = Mapping[str, Any]

_ENDLESS = 1_000
_NESTED = ("properties", "$defs", "definitions")
_REFUSED = ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas")


def resolve(schema: object, root: Schema) -> Schema:
    """Follow references and merge ``allOf``, until neither is left.

    Args:
        schema: What to resolve; ``True`` is the schema of anything.
        root: The whole schema, where the references point to.

    Returns:
        A schema without ``$ref`` and ``allOf`` at its top.

    Raises:
        InvalidError: A reference points to nothing, or to itself.
    """
    found: Schema = cast("Schema", schema) if isinstance(schema, Mapping) else {}
    for _ in range(64):
        if "$ref" in found:
            found = {**_target(str(found["$ref"]), root), **_without(found, "$ref")}
        elif found.get("allOf"):
            merged: dict[str, Any] = _without(found, "allOf")
            for part in found["allOf"]:
                merged = _merge(merged, resolve(part, root))
            found = merged
        else:
            return found
    raise InvalidError("Invalid schema: a reference leads to itself.")


def branches(schema: Schema, root: Schema) -> list[Schema]:
    """Give a schema's alternatives, each resolved and with what is said beside them.

    Args:
        schema: A resolved schema.
        root: The whole schema.

    Returns:
        At least one; a ``type`` that is a list is alternatives, too.
    """
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            beside = _without(schema, word)
            each = [_merge(beside, resolve(part, root)) for part in schema[word]]
            return [leaf for branch in each for leaf in branches(branch, root)]
    kinds = schema.get("type")
    if isinstance(kinds, list) and "enum" not in schema:
        return [{**schema, "type": kind} for kind in cast("list[str]", kinds)]
    return [schema]


def kind_of(schema: Schema) -> str:
    """Name the type of a resolved schema, or guess it by its keywords."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    for word, guess in (("properties", "object"), ("items", "array"), ("prefixItems", "array")):
        if word in schema:
            return guess
    if "additionalProperties" in schema:
        return "object"
    if any(word in schema for word in ("minimum", "maximum", "multipleOf", "exclusiveMinimum")):
        return "number"
    return "string"


def height(schema: object, root: Schema, above: tuple[int, ...] = ()) -> int:
    """Measure how deep the smallest instance of a schema must be; for one that has to end.

    Args:
        schema: What to measure.
        root: The whole schema.
        above: Of what is inside; for itself.

    Returns:
        1 for a number; very much for one that contains itself without a way out.
    """
    found = resolve(schema, root)
    mark = id(found.get("properties") or found.get("items") or found)
    if mark in above or len(above) > 40:
        return _ENDLESS
    above = (*above, mark)
    if "anyOf" in found or "oneOf" in found:
        return min(height(branch, root, above) for branch in branches(found, root))
    parts: list[Any] = []
    kind = kind_of(found)
    if kind == "object":
        properties: dict[str, Any] = found.get("properties") or {}
        parts = [properties[name] for name in found.get("required") or () if name in properties]
    elif kind == "array" and found.get("minItems"):
        parts = [found.get("items") or {}]
    return 1 + max((height(part, root, above) for part in parts), default=0)


def check_strict(schema: Schema, where: str) -> None:
    """Check what OpenAI asks of a schema with ``"strict": true``.

    Args:
        schema: The whole schema.
        where: What it is for, in words.

    Raises:
        InvalidError: It would be refused, with what OpenAI says.
    """
    root = resolve(schema, schema)
    if kind_of(root) != "object" or "anyOf" in root:
        raise InvalidError(
            f"Invalid schema for {where}: schema must be a JSON Schema of 'type: \"object\"'."
        )
    for path, part in _walk(schema, ()):
        problem = _problem(part)
        if problem:
            context = ", ".join(repr(step) for step in path)
            raise InvalidError(f"Invalid schema for {where}: In context=({context}), {problem}")


def _problem(schema: Schema) -> str:
    for word in _REFUSED:
        if word in schema:
            return f"'{word}' is not permitted."
    if "$ref" in schema and len(schema) > 1:
        beside = ", ".join(sorted(set(schema) - {"$ref"}))
        return f"$ref cannot have keywords {{{beside}}}."
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false."
        missing = [n for n in schema.get("properties") or () if n not in schema.get("required", ())]
        if missing:
            return (
                "'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
    return ""


def _walk(schema: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    if not isinstance(schema, Mapping):
        return
    found = cast("Schema", schema)
    yield path, found
    for word in _NESTED:
        parts: dict[str, Any] = found.get(word) or {}
        for name, part in parts.items():
            yield from _walk(part, (*path, word, str(name)))
    yield from _walk(found.get("items"), (*path, "items"))
    for word in ("anyOf", "prefixItems"):
        for place, part in enumerate(found.get(word) or ()):
            yield from _walk(part, (*path, word, str(place)))


def _target(reference: str, root: Schema) -> Schema:
    found: Any = root
    if not reference.startswith("#"):
        raise InvalidError(
            f"Invalid schema: only references inside of it are followed: {reference}"
        )
    for step in filter(None, reference[1:].split("/")):
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        found = cast("dict[str, Any]", found).get(key) if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping):
        raise InvalidError(f"Invalid schema: reference can only point to definitions: {reference}")
    return cast("Schema", found)


def _merge(one: Schema, other: Schema) -> dict[str, Any]:
    merged = {**one, **other}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = [*dict.fromkeys([*one["required"], *other["required"]])]
    return merged


def _without(schema: Schema, word: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != word}
