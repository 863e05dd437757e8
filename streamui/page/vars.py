"""A streamable in a page: the Var behind ``State.answer`` and what can be read from it."""

from __future__ import annotations

import hashlib
import re
from types import UnionType
from typing import Any, Union, get_args, get_origin

from reflex_base.constants.state import FIELD_MARKER
from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import Var, VarData

from streamui.errors import PageError
from streamui.page.client import STREAMABLE_LIBRARY
from streamui.page.partial_vars import partial
from streamui.page.provider import StreamProvider
from streamui.streamable.value import StreamableValue

# A loop variable of rx.foreach is a bare name with Reflex's marker; a state's field follows a dot.
_LOOP_VARIABLE = re.compile(rf"(?<![\w.])(\w+){re.escape(FIELD_MARKER)}(?!\w)")
PROVIDER_PRIORITY = 5


class StreamableVar(Var[StreamableValue[Any]], python_types=StreamableValue):
    """A state variable, component prop or list item that holds a streamable.

    ``.value``, ``.status``, ``.streaming`` and ``.error`` are ordinary Vars that stay live.
    Each makes the component that reads it, and no other, render when the stream changes.
    """

    def __format__(self, format_spec: str) -> str:
        """Refuse to be text: that would show the handle."""
        raise PageError("a streamable is no text; put .value, .status or .error into the f-string")

    def __getitem__(self, key: Any) -> Any:
        """Refuse to be looked into: what it holds is in ``.value``."""
        words = "…" if isinstance(key, Var) else repr(key)
        raise PageError(f"a streamable has no items of its own; read .value[{words}] instead")

    @property
    def value(self) -> Any:
        """What has been made so far; empty of its type (``""``, ``[]``, ``{}``) at first."""
        kind = partial(self._content_type())
        empty = {str: '""', list: "[]", dict: "({})"}.get(get_origin(kind) or kind)
        suffix = f"value ?? {empty}" if empty else "value"
        return self._live("value", suffix, kind)

    @property
    def status(self) -> Any:
        """``streaming``, ``done``, ``error``, ``cancelled`` or ``interrupted``."""
        return self._live("status", "status", str)

    @property
    def streaming(self) -> Any:
        """Whether more may come."""
        return self._live("streaming", "streaming", bool)

    @property
    def error(self) -> Any:
        """A sentence that says what went wrong, safe to show; empty while nothing did."""
        return self._live("error", "error", str)

    @property
    def error_code(self) -> Any:
        """The kind of failure, for ``rx.match``; empty while there is none."""
        return self._live("error_code", "code", str)

    @property
    def id(self) -> Any:
        """The stream's id, where it is known; for events, in a loop too."""
        return Var(
            _js_expr=f'({self!s}?.$stream ?? "")',
            _var_type=str,
            _var_data=self._get_all_var_data(),
        ).guess_type()

    def _content_type(self) -> Any:
        kind = self._var_type
        if get_origin(kind) in (Union, UnionType):
            kind = next((part for part in get_args(kind) if part is not type(None)), kind)
        inner = get_args(kind)
        if not inner or (not isinstance(inner[0], type | UnionType) and not get_origin(inner[0])):
            return Any
        return inner[0]

    def _live(self, name: str, expression: str, kind: Any) -> Any:
        handle = str(self)
        self._refuse_loop_variable(name, handle)
        hook = f"stream_{hashlib.sha1(handle.encode()).hexdigest()[:10]}"
        data = VarData(
            hooks={f"const {hook} = useStreamable({handle});": self._get_all_var_data()},
            imports={STREAMABLE_LIBRARY: [ImportVar(tag="useStreamable")]},
            app_wraps=[(PROVIDER_PRIORITY, StreamProvider.create())],
        )
        read = f"{hook}.{expression}"
        return Var(
            _js_expr=f"({read})" if "??" in read else read,
            _var_type=kind,
            _var_data=VarData.merge(self._get_all_var_data(), data),
        ).guess_type()

    def _refuse_loop_variable(self, name: str, handle: str) -> None:
        match = _LOOP_VARIABLE.search(handle)
        if match is None:
            return
        raise PageError(
            f".{name} cannot be read from {match[1]!r} inside rx.foreach: React allows no hook "
            f"in a loop. Give the streamable to a component instead, as in ui.text(item.answer), "
            f"ui.markdown(...) or ui.status(...), or to an @rx.memo component that reads "
            f".{name} from its own prop."
        )
