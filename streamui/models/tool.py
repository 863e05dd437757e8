"""Functions that a model may call."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    ParamSpec,
    TypeAlias,
    TypeVar,
    cast,
    get_origin,
    overload,
)

from streamui.errors import ToolDefinitionError
from streamui.models.tool_context import ToolContext

if TYPE_CHECKING:
    from streamui.models.tool_schema import Arguments

P = ParamSpec("P")
R = TypeVar("R")

Approval: TypeAlias = bool | Callable[[Mapping[str, Any]], bool | Awaitable[bool]]
"""Whether somebody is asked before a tool runs, or a function of its arguments that says so."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Tool(Generic[P, R]):
    """A function that a model may call, and what the model is told of it; made by :func:`tool`.

    It can be called as the function that it is.

    Attributes:
        function: The function.
        name: What the model calls it.
        timeout: Seconds that it may run; 0 is no limit, ``None`` is ``settings.tool_timeout``.
        approval: Whether somebody is asked first, see :func:`tool`.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        approval: Approval = False,
    ) -> None:
        if not callable(function):
            raise ToolDefinitionError(f"a tool is a function, not {type(function).__name__}")
        functools.update_wrapper(self, function)
        self.function = function
        self.name = _name_of(function) if name is None else name
        if not _NAME.fullmatch(self.name):
            raise ToolDefinitionError(
                f"a tool cannot be called {self.name!r}: give it a name= of up to 64 letters, "
                "digits, _ and -"
            )
        if timeout is not None and timeout < 0:
            raise ToolDefinitionError(
                f"the tool {self.name!r} has timeout={timeout}; 0 is no limit"
            )
        if not (isinstance(approval, bool) or callable(approval)):
            raise ToolDefinitionError(f"{self!r} has approval={approval!r}: give a function")
        self.timeout = timeout
        self.approval = approval
        self._description = description

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function, as if it were no tool."""
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Tool[..., R]:
        """Give the tool of an instance, for one that is a method."""
        if instance is None:
            return self
        return Tool(
            MethodType(self.function, instance),
            name=self.name,
            description=self._description,
            timeout=self.timeout,
            approval=self.approval,
        )

    def __repr__(self) -> str:
        return f"Tool({self.name!r})"

    @functools.cached_property
    def arguments(self) -> Arguments:
        """What it takes; loads pydantic.

        Raises:
            ToolDefinitionError: A model cannot call this function; the message says why.
        """
        from streamui.models.tool_schema import Arguments

        return Arguments(self.function, self.name, _is_context)

    @property
    def description(self) -> str:
        """What the model is told that it is for: by default its docstring down to its sections."""
        return self.arguments.description if self._description is None else self._description

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of its arguments, in the strict form where there is one."""
        return self.arguments.strict or self.arguments.schema

    @property
    def strict(self) -> bool:
        """Whether the provider can see to it that the model's arguments fit the schema."""
        return self.arguments.strict is not None


@overload
def tool(function: Callable[P, R]) -> Tool[P, R]: ...


@overload
def tool(
    function: None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    approval: Approval = False,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Any = None,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    approval: Approval = False,
) -> Any:
    """Make a function one that a model may call.

    The model learns its arguments from its types (whatever pydantic knows, ``Field`` included) and
    its docstring (Google's style): what it is for, and what each argument means. What the model
    writes is checked before the function runs. An ``async def`` runs in the event loop, a ``def``
    in a thread. In a generator each ``yield`` is told as progress, and the last is the result.

    Args:
        function: What it returns is JSON, or a :class:`~streamui.models.tool_context.ToolOutput`.
        name: What the model calls it, if not by the function's name.
        description: What it is for, if not what the docstring says.
        timeout: Seconds that it may run, waiting for approval not included; 0 is no limit, by
            default it is ``settings.tool_timeout``.
        approval: ``True`` if somebody has to allow each call before it runs; or a function, sync
            or async, that takes the arguments as a mapping and says whether that is so.

    Raises:
        ToolDefinitionError: It cannot be a tool. What is wrong with its types is said when it is
            first used.

    Example:
        @ui.tool(timeout=10)
        async def weather(city: str, days: Annotated[int, Field(ge=1, le=7)] = 1) -> dict:
            '''Look up the weather of a city for some days from today.'''
    """
    make = functools.partial(
        Tool[..., Any], name=name, description=description, timeout=timeout, approval=approval
    )
    return make if function is None else make(function)


def tools_by_name(
    tools: Iterable[Tool[..., Any] | Callable[..., Any]],
) -> dict[str, Tool[..., Any]]:
    """Make tools of whatever was given as such, and check them.

    Args:
        tools: Tools, and plain functions.

    Raises:
        ToolDefinitionError: One cannot be a tool, or two have one name.
    """
    found: dict[str, Tool[..., Any]] = {}
    for given in tools:
        made = cast("Tool[..., Any]", given) if isinstance(given, Tool) else Tool(given)
        if made.name in found:
            raise ToolDefinitionError(f"two tools are called {made.name!r}; give one a name=")
        _ = made.arguments
        found[made.name] = made
    return found


def _name_of(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _is_context(hint: Any) -> bool:
    return hint is ToolContext or get_origin(hint) is ToolContext
