"""``/``: ask, and watch the status and the text of the answer come in."""

from app.pages.assistant.page import assistant

__all__ = ["assistant"]
