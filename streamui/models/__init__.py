"""Provider streams as one small set of typed events, and the clients they come from.

``streamui.models`` is this package and, called with a name, the model of that name in the
configuration: see :func:`streamui.models.provider.models`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamui.models.provider import Model


class _Models(ModuleType):
    # An import of any module in here makes `streamui.models` the package: so it is what is called.
    def __call__(self, name: str) -> Model:
        from streamui.models.provider import models

        return models(name)


models = sys.modules[__name__]
models.__class__ = _Models
