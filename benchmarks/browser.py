"""Chromium over its DevTools pipe: pages in contexts of their own, and scripts run in them.

Not Playwright, because Playwright subscribes to the network of every page: each websocket frame is
then copied as JSON to its driver. A rival that sends 161 MB would pay for being measured.
"""

import contextlib
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--window-size=1280,900",
    "--remote-debugging-pipe",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


class BrowserError(RuntimeError):
    """Chromium is missing, refused a command, or did not answer in time."""


class Browser:
    """One headless Chromium, ended together with everything it started.

    Example:
        ```python
        with Browser() as browser, browser.page("http://127.0.0.1:3200/plain") as page:
            page.evaluate("document.title")
        ```
    """

    def __init__(self) -> None:
        """Start Chromium with an empty profile.

        Raises:
            BrowserError: If no Chromium is on the path.
        """
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            raise BrowserError(f"no Chromium found, tried {', '.join(NAMES)}: apt install chromium")
        self._profile = tempfile.mkdtemp(prefix="bench-chromium-")
        arguments = (*ARGUMENTS, f"--user-data-dir={self._profile}", "about:blank")
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # Chromium expects its pipe at exactly 3 and 4; a shell redirection puts it there without
        # the dangers of a preexec_fn.
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "sh", program, *arguments],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._ids = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        """Return the browser itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End Chromium and remove its profile."""
        with contextlib.suppress(BrowserError, OSError, subprocess.TimeoutExpired):
            self.call("Browser.close", timeout=5)
            self._process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(
        self, method: str, *, session: str | None = None, timeout: float = 30, **params: Any
    ) -> dict[str, Any]:
        """Send one DevTools command and wait for its answer.

        Args:
            method: The command, such as `Runtime.evaluate`.
            session: The page it is for; the browser itself when None.
            timeout: How long to wait, in seconds.
            params: The command's parameters.

        Returns:
            The command's result. Events that arrive meanwhile are kept in `events`.

        Raises:
            BrowserError: If the command fails or is not answered in time.
        """
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        data = memoryview(json.dumps(message).encode() + b"\0")
        while data:
            data = data[os.write(self._write, data) :]
        deadline = time.monotonic() + timeout
        while True:
            answer = self._receive(method, deadline)
            if "id" not in answer:
                self.events.append(answer)
            elif answer["id"] == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _receive(self, method: str, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read], [], [], left)[0]:
                raise BrowserError(f"{method}: no answer from the page in time")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise BrowserError(f"{method}: Chromium has ended")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def version(self) -> str:
        """Return the browser's name and version, such as `Chrome/156.0.8078.79`."""
        return self.call("Browser.getVersion")["product"].replace("Headless", "")

    def page(self, url: str, *, script: Path | None = None) -> "Page":
        """Open a page in a fresh context: no cookies, storage or cache of another run.

        Args:
            url: The address to open.
            script: A JavaScript file to run before anything of the page does.

        Returns:
            The page, to be used as a context manager.
        """
        return Page(self, url, script)


class Page:
    """One page in a browser context of its own."""

    def __init__(self, browser: Browser, url: str, script: Path | None) -> None:
        """Open the page; see `Browser.page`."""
        self._browser = browser
        self._context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call(
            "Target.createTarget", url="about:blank", browserContextId=self._context
        )
        attached = browser.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self.call("Page.enable")
        if script is not None:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=script.read_text())
        self.call("Page.navigate", url=url)

    def __enter__(self) -> Self:
        """Return the page itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the page, even one whose main thread is busy."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)
        self._browser.events.clear()

    def call(self, method: str, *, timeout: float = 30, **params: Any) -> dict[str, Any]:
        """Send one DevTools command to this page; see `Browser.call`."""
        return self._browser.call(method, session=self._session, timeout=timeout, **params)

    def evaluate(self, expression: str, *, timeout: float = 30) -> Any:
        """Run JavaScript in the page and wait for the promise it may return.

        Args:
            expression: The JavaScript.
            timeout: How long to wait, in seconds.

        Returns:
            Its value, as JSON would carry it.

        Raises:
            BrowserError: If it throws or does not end in time.
        """
        answer = self.call(
            "Runtime.evaluate",
            timeout=timeout,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, expression: str, *, timeout: float = 30) -> None:
        """Wait until JavaScript in the page is true.

        Args:
            expression: The JavaScript.
            timeout: How long to wait, in seconds.

        Raises:
            BrowserError: If it is still false then.
        """
        deadline = time.monotonic() + timeout
        while not self.evaluate(expression):
            if time.monotonic() > deadline:
                raise BrowserError(f"still false after {timeout} s: {expression}")
            time.sleep(0.1)
