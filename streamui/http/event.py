"""One server-sent event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from streamui.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event of a stream, as the WHATWG's HTML standard, 9.2, describes it.

    Attributes:
        data: Its text; several ``data:`` lines are joined by line feeds.
        event: Its type; ``message`` when the server names none.
        id: The last id that the server has given, with this event or an earlier one; ``""`` if
            none. A reader that was cut off goes on after it.
        retry: Milliseconds to wait before connecting again, if given with this event.
    """

    data: str = ""
    event: str = "message"
    id: str = ""
    retry: int | None = None

    def json(self) -> Any:
        """Return the data as what its JSON stands for.

        Raises:
            ProtocolError: If the data is no JSON.
        """
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError) as error:
            # The data itself may be anybody's secret: only where it breaks is said.
            raise ProtocolError(f"the data of an event is no JSON: {error}") from error
