"""What every component that shows a streamable has in common."""

from __future__ import annotations

from typing import Any

from reflex_base.components.component import Component

from streamui.page.provider import StreamProvider
from streamui.page.vars import PROVIDER_PRIORITY


class StreamComponent(Component):
    """A component whose module reads a stream with ``useStreamable``."""

    @staticmethod
    def _get_app_wrap_components() -> dict[tuple[int, str], Any]:
        return {(PROVIDER_PRIORITY, "StreamProvider"): StreamProvider.create()}
