"""Fixtures for pages of several workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamui.testing import AppServer
from tests.conftest import NODE_FIRST
from tests.servers.fleet import Pages


@pytest.fixture(scope="session")
def desk_pages(app_server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """The pages of workers_page.py as files, for workers of several modules."""
    app = AppServer.from_source(
        (Path(__file__).parent / "workers_page.py").read_text(),
        tmp_path_factory.mktemp("desk") / "app",
        packages=app_server.folder,
        env={"PATH": NODE_FIRST},
    )
    return Pages(app)
