"""Room for streams over HTTP in the server that runs Reflex.

Granian answers so many requests at once: by default 1,024, shared by its workers. A stream that is
read over HTTP is a request that stays. When the room is full, nothing is answered any more, new
pages included; and Reflex, which starts Granian, has no dial for it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import wrapt

from streamui.settings import settings

_OTHERS = 1024  # requests of other kinds that may be under way
_ANY = 1_000_000


def _make_room(
    make: Callable[..., None], _: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    if kwargs.get("backpressure") is None:
        # Who comes when there are too many streams is told so: by the app, which has room for that.
        kwargs["backpressure"] = settings.connections + _OTHERS if settings.connections else _ANY
    make(*args, **kwargs)


# When it is imported: `reflex run` imports the app, and then the server.
@wrapt.when_imported("granian.server.common")
def _with_granian(module: ModuleType) -> None:
    wrapt.wrap_function_wrapper(module, "AbstractServer.__init__", _make_room)
