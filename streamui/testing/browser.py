"""Chromium for tests, by way of Playwright (``pip install playwright``)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",  # CI runs as root, where the sandbox cannot
    "--disable-gpu",
    # It asks the network for nothing but the page.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """Return the path of the machine's Chromium or Chrome.

    Raises:
        FileNotFoundError: There is none on ``PATH``.
    """
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    raise FileNotFoundError(f"No Chromium on PATH. Install one of: {', '.join(_NAMES)}")


def launch_chromium(playwright: Playwright, *, headless: bool = True) -> Browser:
    """Start the machine's Chromium.

    Args:
        playwright: From ``with sync_playwright() as playwright``.
        headless: False shows the window, to watch a test.
    """
    return playwright.chromium.launch(
        executable_path=find_chromium(), args=list(_FLAGS), headless=headless
    )


def watch_console(context: BrowserContext, *, allow: Iterable[str] = ()) -> list[str]:
    """Collect what the pages of a context complain about.

    That is console errors and warnings (a request that failed is one), and uncaught exceptions.

    Args:
        context: The context to watch, before its pages go anywhere.
        allow: Regular expressions of complaints that do not count.

    Returns:
        A list that grows while the pages run; empty is good.
    """
    allowed = [re.compile(pattern) for pattern in allow]
    complaints: list[str] = []

    def complain(text: str) -> None:
        if not any(pattern.search(text) for pattern in allowed):
            complaints.append(text)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complain(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    context.on("console", on_console)
    context.on("weberror", lambda each: complain(f"uncaught: {each.error}"))
    return complaints
