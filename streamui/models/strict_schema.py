"""JSON schemas in the strict form, which a provider lets no model's writing break.

The rules are OpenAI's, https://platform.openai.com/docs/guides/structured-outputs: each object
names all it may have, all of that is required, and only some keywords are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

Schema: TypeAlias = dict[str, Any]

_NOTES = ("description", "enum", "const")
_NUMBERS = ("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_ITEMS = ("minItems", "maxItems")
# What else a schema says, such as a text's length, is checked when the model has written.
_KNOWN = frozenset((*_NOTES, *_NUMBERS, *_ITEMS))
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
)
_SCALARS = frozenset(("string", "number", "integer", "boolean", "null"))


def strict_schema(schema: Mapping[str, Any]) -> Schema | None:
    """Turn a schema of pydantic's into the strict form.

    What may be left out becomes something that may be ``null``, see :func:`without_nulls`.

    Args:
        schema: That of an object.

    Returns:
        The strict form; ``None`` where there is none: an object whose names are not known before,
        anything at all, a tuple.
    """
    try:
        made = _strict(schema)
        if made.get("type") != "object":
            return None
        kinds = cast("Mapping[str, Schema]", schema.get("$defs", {}))
        if kinds:
            made["$defs"] = {name: _strict(kind) for name, kind in kinds.items()}
    except _NotStrictError:
        return None
    return made


def without_nulls(value: Any, schema: Mapping[str, Any]) -> Any:
    """Take out the nulls with which a model leaves something out.

    Args:
        value: What a model wrote, by whichever form of the schema.
        schema: The schema as it was before :func:`strict_schema`.

    Returns:
        A copy without each null where the schema has none, but has a default.
    """
    return _pruned(value, schema, cast("Mapping[str, Schema]", schema.get("$defs", {})))


def takes_null(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema has a place for ``null``."""
    choices: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or []
    if choices:
        return any(takes_null(choice) for choice in choices)
    if "const" in schema or "enum" in schema:
        return None in schema.get("enum", [schema.get("const", "")])
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind) or not _says_what(schema)


class _NotStrictError(Exception):
    """A schema that has no strict form."""


def _says_what(schema: Mapping[str, Any]) -> bool:
    return "type" in schema or "$ref" in schema


def _strict(schema: Mapping[str, Any]) -> Schema:
    made: Schema = {name: schema[name] for name in schema if name in _KNOWN}
    choices: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or []
    kind = schema.get("type")
    if choices:
        made["anyOf"] = [_strict(choice) for choice in choices]
    elif "$ref" in schema:
        reference = {"$ref": schema["$ref"]}
        return {**made, "anyOf": [reference]} if made else reference
    elif kind == "object":
        _object(schema, made)
    elif kind == "array" and isinstance(schema.get("items"), Mapping):
        made |= {"type": kind, "items": _strict(schema["items"])}
    elif kind in _SCALARS:
        made["type"] = kind
    elif "enum" not in schema and "const" not in schema:
        raise _NotStrictError
    if schema.get("format") in _FORMATS:
        made["format"] = schema["format"]
    if "(?" not in schema.get("pattern", "(?"):  # looking ahead is not known either
        made["pattern"] = schema["pattern"]
    return made


def _object(schema: Mapping[str, Any], made: Schema) -> None:
    if schema.get("additionalProperties", False) is not False or "patternProperties" in schema:
        raise _NotStrictError
    properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
    required: list[str] = schema.get("required", [])
    made |= {"type": "object", "additionalProperties": False, "required": list(properties)}
    made["properties"] = {
        name: _strict(each) if name in required else _nullable(each)
        for name, each in properties.items()
    }


def _nullable(schema: Mapping[str, Any]) -> Schema:
    made = _strict(schema)
    if takes_null(schema):
        return made
    described = {"description": made.pop("description")} if "description" in made else {}
    choices: list[Schema] = made["anyOf"] if [*made] == ["anyOf"] else [made]
    return {**described, "anyOf": [*choices, {"type": "null"}]}


def _pruned(value: Any, schema: Mapping[str, Any], kinds: Mapping[str, Schema]) -> Any:
    if not isinstance(value, dict | list):
        return value
    for choice in _choices(schema, kinds):
        if isinstance(value, list) and choice.get("type") == "array":
            items = cast("list[Any]", value)
            return [_pruned(item, choice.get("items") or {}, kinds) for item in items]
        if isinstance(value, dict) and "properties" in choice:
            properties = cast("Mapping[str, Schema]", choice["properties"])
            required: list[str] = choice.get("required", [])
            given = cast("dict[str, Any]", value)
            if not properties.keys() >= given.keys() or any(
                given.get(name, kind["const"]) != kind["const"]
                for name, kind in properties.items()
                if "const" in kind
            ):
                continue  # another choice is meant, or none
            return {
                name: _pruned(item, properties[name], kinds)
                for name, item in given.items()
                if item is not None or name in required or takes_null(properties[name])
            }
    return value  # pyright: ignore[reportUnknownVariableType] -- as it came


def _choices(schema: Mapping[str, Any], kinds: Mapping[str, Schema]) -> list[Schema]:
    """Return a schema, or those that it offers for choice, without references."""
    if "$ref" in schema:
        return _choices(kinds.get(str(schema["$ref"]).rpartition("/")[2], {}), kinds)
    every: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or []
    if not every:
        return [dict(schema)]
    return [found for choice in every for found in _choices(choice, kinds)]
