"""`reflex export`: static files from any web server, the backend somewhere else."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from streamui.testing import AppServer
from streamui.testing.app_server import free_port


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def file_server(folder: Path) -> Iterator[ThreadingHTTPServer]:
    """Python's own file server: it knows nothing of Reflex."""
    handler = functools.partial(_Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def exported(app_copy: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the static page; its backend runs from another folder on another port."""
    port = free_port()
    api = {"REFLEX_API_URL": f"http://localhost:{port}"}
    subprocess.run(
        [sys.executable, "-m", "reflex", "export"],
        cwd=app_copy,
        env=AppServer(app_copy, env=api).environment,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    for half in ("frontend", "backend"):
        with zipfile.ZipFile(app_copy / f"{half}.zip") as archive:
            archive.extractall(tmp_path / half)

    backend = AppServer(tmp_path / "backend", port=port, options=["--backend-only"])
    with file_server(tmp_path / "frontend") as frontend, backend:
        yield f"http://localhost:{frontend.server_port}"


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(300)
def test_the_exported_page_and_its_backend_talk_from_apart(exported: str, page: Page) -> None:
    page.goto(exported)
    log = page.get_by_role("log")
    for question, word in (("Write 30 words about rivers", "river"), ("And lakes?", "lake")):
        page.get_by_role("textbox", name="Message").fill(question)
        page.get_by_role("button", name="Send").click()
        expect(log).to_contain_text(word, ignore_case=True)
