"""What a request asks for, whichever API it came by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from streamui.models.demo.schema import check_strict
from streamui.models.demo.talk import InvalidError, Message, Talk, messages_of, objects, said_text

Api: TypeAlias = Literal["responses", "chat", "assistants"]
Mode: TypeAlias = Literal["auto", "none", "required"]

_ANY_OBJECT = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "answer": {"type": "string"}},
    "required": ["title", "answer"],
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Function:
    """A tool that the model may call.

    Attributes:
        name: What the model calls it.
        description: What it is for.
        parameters: The JSON schema of its arguments.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes:
        talk: What was said, the question included.
        api: By which API it came.
        body: Its JSON, as it came.
        tools: The functions that may be called.
        mode: Whether one may be called, must not, or must.
        named: Whether ``tool_choice`` named one function.
        parallel: Whether several may be called at once.
        schema: What the answer has to be an instance of; ``None`` for text.
        limit: The most tokens to write; anything but a positive number is no limit.
        thoughts: Whether a summary of the reasoning is wanted.
        headers: Of the request, their names in lower case.
    """

    talk: Talk
    api: Api = "responses"
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tools: tuple[Function, ...] = ()
    mode: Mode = "auto"
    named: bool = False
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    limit: object = None
    thoughts: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def retried(self) -> int:
        """How often the client says that it has sent this request before."""
        told = self.headers.get("x-stainless-retry-count", "")
        return int(told) if told.isdecimal() else 0

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages of the talk."""
        return messages_of(self.talk)

    @property
    def size(self) -> int:
        """About how many tokens were said."""
        return sum(len(said_text(said).split()) for said in self.talk)


def read_ask(
    api: Api,
    body: Mapping[str, Any],
    talk: Talk,
    limit: object = None,
    headers: Mapping[str, str] | None = None,
) -> Ask:
    """Read what a request asks for.

    Args:
        api: By which API it came.
        body: Its JSON.
        talk: What was said up to it.
        limit: The most tokens to write.
        headers: Of the request.

    Returns:
        The request as the model sees it.

    Raises:
        InvalidError: OpenAI would refuse it.
    """
    try:
        return _read(api, body, talk, limit, headers)
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidError("Invalid type of a parameter.") from error


def _read(
    api: Api,
    body: Mapping[str, Any],
    talk: Talk,
    limit: object,
    headers: Mapping[str, str] | None,
) -> Ask:
    functions = _functions(body.get("tools"))
    mode, only = _choice(body.get("tool_choice"), functions)
    reasoning = body.get("reasoning")
    wants: Any = cast("dict[str, Any]", reasoning) if isinstance(reasoning, dict) else {}
    return Ask(
        talk=talk,
        api=api,
        body=body,
        tools=tuple(f for f in functions if only is None or f.name in only),
        mode=mode,
        named=mode == "required" and only is not None and _kind(body["tool_choice"]) == "function",
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body),
        limit=limit,
        thoughts=bool(wants.get("summary") or wants.get("generate_summary")),
        headers=headers or {},
    )


def _functions(given: object) -> tuple[Function, ...]:
    found: dict[str, Function] = {}
    for tool in objects(given):
        if tool.get("type") != "function":
            continue  # those of the provider itself, which the demo does not have
        about: Any = tool.get("function") if isinstance(tool.get("function"), dict) else tool
        name = str(about.get("name") or "")
        if not _NAME.fullmatch(name):
            raise InvalidError(
                f"Invalid 'tools.name': string does not match pattern '^[a-zA-Z0-9_-]+$': {name!r}"
            )
        if name in found:
            raise InvalidError(f"Tool names must be unique: '{name}' is there twice.")
        parameters: Any = about.get("parameters")
        if not isinstance(parameters, dict):
            parameters = {"type": "object", "properties": {}}
        if about.get("strict") is True:
            check_strict(cast("dict[str, Any]", parameters), f"function '{name}'")
        description = str(about.get("description") or "")
        found[name] = Function(name, description, cast("dict[str, Any]", parameters))
    return tuple(found.values())


def _choice(choice: object, functions: Sequence[Function]) -> tuple[Mode, set[str] | None]:
    """Read ``tool_choice``: the mode, and which functions it leaves."""
    mode: Mode = "auto"
    only: set[str] | None = None
    if choice in ("auto", "none", "required"):
        mode = choice
    elif _kind(choice) == "function":
        mode, only = "required", {_name(cast("dict[str, Any]", choice))}
    elif _kind(choice) == "allowed_tools":
        chosen = cast("dict[str, Any]", choice)
        inner: dict[str, Any] = chosen.get("allowed_tools") or chosen  # Chat nests it
        mode = "required" if inner.get("mode") == "required" else "auto"
        only = {_name(tool) for tool in objects(inner.get("tools"))}
    known = {function.name for function in functions}
    for name in sorted((only or set()) - known):
        raise InvalidError(f"Tool choice '{name}' not found in 'tools' parameter.")
    if mode == "required" and not functions:
        raise InvalidError("'tool_choice' is only allowed when 'tools' are specified.")
    return mode, only


def _schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    text = body.get("text")
    told: Any = cast("dict[str, Any]", text).get("format") if isinstance(text, dict) else None
    told = told or body.get("response_format")
    kind = _kind(told)
    if kind == "json_object":
        return _ANY_OBJECT
    if kind != "json_schema":
        return None
    about: dict[str, Any] = told.get("json_schema") or told  # Chat nests it
    schema = about.get("schema")
    if not isinstance(schema, dict):
        raise InvalidError("Missing required parameter: 'text.format.schema'.")
    if not _NAME.fullmatch(str(about.get("name") or "")):
        raise InvalidError("Missing or invalid required parameter: 'text.format.name'.")
    if about.get("strict") is True:
        check_strict(cast("dict[str, Any]", schema), f"response_format '{about['name']}'")
    return cast("dict[str, Any]", schema)


def _kind(given: object) -> object:
    return cast("dict[str, Any]", given).get("type") if isinstance(given, dict) else None


def _name(tool: dict[str, Any]) -> str:
    function: dict[str, Any] = tool.get("function") or tool  # Chat nests it
    return str(function.get("name"))
