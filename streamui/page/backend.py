"""Where the app's server is, as the page knows it."""

from __future__ import annotations

from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import Var, VarData

BACKEND_URL = Var(
    _js_expr="getBackendURL(env.PING).href",
    _var_type=str,
    _var_data=VarData(
        imports={
            "$/env.json": [ImportVar(tag="env", is_default=True)],
            "$/utils/state": [ImportVar(tag="getBackendURL")],
        }
    ),
)
"""An address of the server: ``/events`` from here is a route of its own, in development too."""
