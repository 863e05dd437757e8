"""The form that a model's answer shall have, from a type.

Imports pydantic: loaded when the first object is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, get_args, get_origin

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails

from streamui.errors import SchemaError
from streamui.models.partial_json import complete_items, json_part, partial_json, whole_json
from streamui.models.strict_schema import strict_schema, without_nulls
from streamui.streamable.log import UNSET

T = TypeVar("T")

_KEY = "value"
"""The key of whatever is no object by itself: providers want one at the root."""

_MOST_PROBLEMS = 20
_LONGEST_PROBLEM = 300


class NotThisFormError(ValueError):
    """A text that is not of the form; its words say why, and repeat no more of it than a name."""


class _Quiet(GenerateJsonSchema):
    """Leaves a default out of the schema that is no JSON, and says nothing about it."""

    ignored_warning_kinds: ClassVar[Any] = {
        "skipped-choice",
        "non-serializable-default",
    }


class ObjectForm(Generic[T]):
    """What is asked for, and how an answer is read as that.

    Args:
        kind: A pydantic model, a dataclass, a TypedDict, an enum, a ``Literal``, or a list of
            one; or anything else that pydantic knows.

    Attributes:
        format: What the provider is told, see :func:`~streamui.models.request.open_stream`.
        shape: ``object``; ``list``, whose items count when they are complete; or ``value``, which
            is nothing until it is complete.

    Raises:
        SchemaError: There is no JSON schema for it.
    """

    def __init__(self, kind: Any) -> None:
        try:
            self._adapter: TypeAdapter[T] = TypeAdapter(kind)
            # By the fields' names, as pages and programs call them, whatever their aliases.
            self._schema = self._adapter.json_schema(by_alias=False, schema_generator=_Quiet)
        except (PydanticUserError, NameError) as cause:
            words = str(cause).partition("\n")[0]
            raise SchemaError(f"a model cannot be asked for {kind!r}: {words}") from cause
        root = _resolved(self._schema)
        self.shape: Literal["object", "list", "value"] = "value"
        if root.get("type") == "object":
            self.shape = "object"
        elif root.get("type") == "array" and "prefixItems" not in root:
            self.shape = "list"
        self._item = TypeAdapter[Any](_item_of(kind)) if self.shape == "list" else None
        self._wrapped = self.shape != "object"
        asked = _wrap(root) if self._wrapped else root
        strict = strict_schema(asked)
        self.format: Mapping[str, Any] = {
            "name": re.sub(r"\W+", "_", getattr(kind, "__name__", ""))[:60] or "answer",
            "schema": strict or asked,
            "strict": strict is not None,
        }

    @property
    def written(self) -> str:
        """The schema as a model can be told it in words."""
        return json.dumps(self.format["schema"], ensure_ascii=False)

    def partial(self, text: str, before: Any = UNSET) -> Any:
        """Read as much as there is.

        Args:
            text: The beginning of an answer.
            before: What this gave for a shorter beginning.

        Returns:
            JSON, of which fields may be missing and texts short; ``UNSET`` while it is nothing.
        """
        text = json_part(text)
        if self.shape == "value":
            return UNSET
        if self.shape == "object":
            value = partial_json(text)
            return cast("Any", value) if isinstance(value, dict) else before
        whole = complete_items(text, "]}" if text.startswith("{") else "]")
        items = self._unwrapped(partial_json(text) if whole is None else whole)
        if not isinstance(items, list):
            return before
        given = cast("list[Any]", items)
        if whole is None:
            # The last one may go on, unless it was complete before something else began.
            given = given[: max(len(given) - 1, 0 if before is UNSET else len(before))]
        return given

    def parsed(self, text: str) -> Any:
        """Return the JSON of an answer, as it is.

        Args:
            text: All of it.

        Raises:
            ValueError: It is none.
        """
        return self._unwrapped(whole_json(json_part(text)))

    def read(self, text: str) -> T:
        """Read an answer, and check it.

        Args:
            text: All of it.

        Raises:
            NotThisFormError: It is not what was asked for.
        """
        try:
            value = without_nulls(self.parsed(text), self._schema)
            written = json.dumps(value, allow_nan=False)
        except (ValueError, RecursionError) as error:
            raise NotThisFormError(f"It is not JSON: {error}") from None
        return _checked(self._adapter, written)

    def read_item(self, item: Any) -> Any:
        """Check one item of a list.

        Args:
            item: As :meth:`partial` gave it.

        Raises:
            NotThisFormError: It is not what was asked for.
        """
        assert self._item is not None
        nodes = _resolved(self._schema)
        schema = {**nodes.get("items", {}), "$defs": self._schema.get("$defs", {})}
        return _checked(self._item, json.dumps(without_nulls(item, schema)))

    def shown(self, value: T) -> Any:
        """Return what a page is given of the object: itself if it is a pydantic model, else JSON.

        Args:
            value: What :meth:`read` gave.
        """
        if hasattr(value, "model_dump"):
            return value
        return self._adapter.dump_python(value, mode="json")

    def _unwrapped(self, value: Any) -> Any:
        # A model that nobody holds to the form may well leave the wrapping out.
        if self._wrapped and isinstance(value, dict):
            given = cast("dict[str, Any]", value)
            return given[_KEY] if [*given] == [_KEY] else given
        return value


def _checked(adapter: TypeAdapter[Any], written: str) -> Any:
    try:
        # As JSON, not as Python's values: dates and bytes are text there, also in strict models.
        return adapter.validate_json(written, by_alias=True, by_name=True)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        words = "\n".join(map(_problem, problems[:_MOST_PROBLEMS]))
        raise NotThisFormError(words) from None


def _problem(error: ErrorDetails) -> str:
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {error['msg']}"[:_LONGEST_PROBLEM] if place else error["msg"]


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with no reference at its root, as that of a type that holds itself has."""
    kinds = schema.get("$defs", {})
    root = schema
    while "$ref" in root:
        root = kinds[root["$ref"].rpartition("/")[2]]
    return {**root, "$defs": kinds} if kinds else root


def _wrap(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    wrapped = {"type": "object", "properties": {_KEY: inner}, "required": [_KEY]}
    return {**wrapped, "$defs": schema["$defs"]} if "$defs" in schema else wrapped


def _item_of(kind: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    listed = isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset)
    return inner[0] if listed and inner else Any
