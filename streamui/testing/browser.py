"""Chromium for tests, by way of Playwright (``pip install playwright``)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

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


def watch_console(page: Page, *, allow: Iterable[str] = ()) -> list[str]:
    """Collect what a page complains about: console errors and warnings, uncaught exceptions.

    Args:
        page: The page to watch, before it goes anywhere.
        allow: Regular expressions of complaints that do not count.

    Returns:
        A list that grows while the page runs; empty is good.
    """
    allowed = [re.compile(pattern) for pattern in allow]
    complaints: list[str] = []

    def complain(text: str) -> None:
        if not any(pattern.search(text) for pattern in allowed):
            complaints.append(text)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complain(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complain(f"uncaught: {error}"))
    return complaints
