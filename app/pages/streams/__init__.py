"""``/streams``: what this server streams now, and a way to stop it."""

from app.pages.streams.live import Streams
from app.pages.streams.page import streams

__all__ = ["Streams", "streams"]
