"""A streamable as a child of a component: refused while compiling.

The page would get the handle, an object, which React cannot show. Reflex makes every child that
is a Var in one place, and a Var is not asked there.
"""

from __future__ import annotations

from collections.abc import Callable
from types import UnionType
from typing import Any, Union, get_args, get_origin

import wrapt
from reflex_base.vars.base import Var
from reflex_components_core.base.bare import Bare

from streamui.errors import PageError
from streamui.streamable.value import StreamableValue


def _may_be_streamable(kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return any(map(_may_be_streamable, get_args(kind)))
    kind = get_origin(kind) or kind
    return isinstance(kind, type) and issubclass(kind, StreamableValue)


@wrapt.patch_function_wrapper(Bare, "create")
def _create(create: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
    for contents in (*args, *kwargs.values()):
        if isinstance(contents, Var) and _may_be_streamable(contents._var_type):
            raise PageError(
                "a streamable is no text that a component could show as its child; read its "
                ".value, as in rx.text(State.answer.value), or give it to a component that "
                "shows streamables, as in ui.text(State.answer) or ui.markdown(State.answer)"
            )
    return create(*args, **kwargs)
