"""What a function takes, as a JSON schema, and what a model wrote, as its arguments.

Imports pydantic: loaded when a tool is first used.
"""

from __future__ import annotations

import functools
import inspect
import json
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

import docstring_parser
from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, from_json, to_jsonable_python

from streamui.errors import NotJSONError, ToolDefinitionError
from streamui.models.strict_schema import Schema, strict_schema, without_nulls
from streamui.models.tool_outcome import ToldError
from streamui.streamable.json_value import to_json

_MOST_ERRORS = 10
_LONGEST_WORDS = 300  # of what one error says
_WORDS = {
    "missing_keyword_only_argument": "Required",
    "unexpected_keyword_argument": "There is no such argument",
}


class _Untitled(GenerateJsonSchema):
    """A schema without titles, which only repeat the names."""

    ignored_warning_kinds: ClassVar[Any] = {"skipped-choice", "non-serializable-default"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Say that no field gets one."""
        return False


class Arguments:
    """What a function takes.

    Args:
        function: It needs a type for each parameter; those that its docstring or ``Field`` describe
            are described to the model.
        name: What the model calls it, for the messages.
        is_context: Tells the annotation of the parameter that is not the model's to fill.

    Attributes:
        description: Of the function, from its docstring.
        context: The name of the parameter that is not the model's; ``""`` if there is none.
        schema: The JSON schema of the others, as pydantic has it.
        strict: The same in the strict form; ``None`` where there is none.

    Raises:
        ToolDefinitionError: It cannot be called with a JSON object.
    """

    def __init__(
        self, function: Callable[..., Any], name: str, is_context: Callable[[Any], bool]
    ) -> None:
        docstring = docstring_parser.parse(inspect.getdoc(_bare(function)) or "")
        self.description = (docstring.description or "").strip()
        self.context = ""
        parameters = _parameters(function, name)
        for parameter in parameters:
            if is_context(parameter.annotation):
                self.context = parameter.name
        taken = [parameter for parameter in parameters if parameter.name != self.context]
        try:
            collector: Any = _collector(function, taken)
            self._adapter: TypeAdapter[Any] = TypeAdapter(collector)
            self.schema: Schema = self._adapter.json_schema(schema_generator=_Untitled)
        except (PydanticUserError, NameError) as cause:
            words = str(cause).partition("\n")[0]
            raise ToolDefinitionError(f"the tool {name!r} has no schema: {words}") from cause
        properties = cast("Mapping[str, Schema]", self.schema.setdefault("properties", {}))
        for described in docstring.params:
            about = properties.get(described.arg_name)
            if about is not None and described.description:
                about.setdefault("description", " ".join(described.description.split()))
        self.strict = strict_schema(self.schema)

    def read(self, written: str) -> dict[str, Any]:
        """Turn what a model wrote into arguments, with the defaults of those it left out.

        Args:
            written: JSON text, from a model.

        Raises:
            ToldError: ``bad_arguments``: it does not fit; the text says where.
        """
        written = written.strip() or "{}"  # some models send nothing where nothing is to be said
        try:
            given = from_json(written)
        except ValueError as cause:
            raise _unfit(f"they are no JSON: {cause}") from None
        if not isinstance(given, dict):
            raise _unfit("they are no JSON object")
        if "null" in written:
            written = json.dumps(without_nulls(given, self.schema))
        try:
            return self._adapter.validate_json(written)
        except ValidationError as cause:
            errors = cause.errors(include_url=False, include_context=False, include_input=False)
            words = "; ".join(map(_words, errors[:_MOST_ERRORS]))
            raise _unfit(words) from None

    @staticmethod
    def shown(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return checked arguments as JSON, for a person to look at."""
        made: dict[str, Any] = {}
        for name, value in arguments.items():
            plain = to_jsonable_python(value, inf_nan_mode="null", serialize_unknown=True)
            try:
                made[name] = to_json(plain)
            except NotJSONError:  # a number that no page can hold
                made[name] = str(plain)
        return made


def _unfit(words: str) -> ToldError:
    return ToldError(f"Error: the arguments do not fit. {words}", "bad_arguments")


def _words(error: ErrorDetails) -> str:
    place = ".".join(map(str, error["loc"])) or "the arguments"
    return f"{place}: {_WORDS.get(error['type'], error['msg'])}"[:_LONGEST_WORDS]


def _bare(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function inside of partials, methods and wrappers."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(getattr(function, "__func__", function))


def _parameters(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    """Return the parameters with their types, those in quotes too."""
    signature = inspect.signature(function)
    bare = _bare(function)
    names: dict[str, Any] = getattr(bare, "__globals__", {})
    found: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolDefinitionError(
                f"the tool {name!r} takes {parameter}: a model gives arguments by their names"
            )
        if parameter.annotation is parameter.empty:
            raise ToolDefinitionError(
                f"the tool {name!r} says no type for {parameter.name}; a model needs one"
            )

        def holder() -> None: ...

        # One by one: what the function returns may be named for a type checker only.
        holder.__annotations__ = {"hint": parameter.annotation}
        try:
            hint = typing.get_type_hints(holder, names, include_extras=True)["hint"]
        except NameError as cause:
            raise ToolDefinitionError(
                f"the type of {parameter.name} of the tool {name!r} is not there when the tool is "
                f"used: {cause}; define it in the module"
            ) from cause
        kind = inspect.Parameter.KEYWORD_ONLY
        found.append(parameter.replace(kind=kind, annotation=hint))
    return found


def _collector(
    function: Callable[..., Any], parameters: list[inspect.Parameter]
) -> Callable[..., dict[str, Any]]:
    """Return a function that takes the same, and gives it back; pydantic checks its calls.

    Unlike a model's fields, its parameters may have any name.
    """

    def collect(**arguments: Any) -> dict[str, Any]:
        return arguments

    collect.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    collect.__annotations__ = {each.name: each.annotation for each in parameters}
    collect.__module__ = _bare(function).__module__
    return collect
