from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from streamui.testing import AppServer
from streamui.testing.app_server import share_packages

PAGE = """
import os
import reflex as rx

app = rx.App()
app.add_page(lambda: rx.text(os.environ["GREETING"]), route="/")
"""


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "rxconfig.py").write_text("raise RuntimeError('the reason')")
    with pytest.raises(RuntimeError, match="the reason"):
        AppServer(tmp_path).start()


def test_one_that_never_answers_is_ended_when_its_time_is_up(tmp_path: Path) -> None:
    (tmp_path / "rxconfig.py").write_text(
        "import time; print('waiting', flush=True); time.sleep(60)"
    )
    server = AppServer(tmp_path, timeout=0)
    with pytest.raises(RuntimeError, match="did not start"):
        server.start()
    server.stop()  # harmless: it has ended


def test_environment_variables_are_set_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLD", "1")
    environment = AppServer(tmp_path, env={"OLD": None, "NEW": "2"}).environment
    assert "OLD" not in environment
    assert environment["NEW"] == "2"
    assert environment["REFLEX_TELEMETRY_ENABLED"] == "false"


def test_packages_are_shared_and_files_that_reflex_rewrites_are_not(tmp_path: Path) -> None:
    built, folder = tmp_path / "built", tmp_path / "new"
    package, config = "node_modules/react/index.js", "package.json"
    for name in (package, config, "app/routes/_index.jsx", "app/routes.js"):
        (built / ".web" / name).parent.mkdir(parents=True, exist_ok=True)
        (built / ".web" / name).write_text(name)
    (built / "reflex.lock").mkdir()
    (built / "reflex.lock" / "package-lock.json").touch()

    share_packages(built, folder)
    assert (folder / ".web" / package).samefile(built / ".web" / package)
    assert not (folder / ".web" / config).samefile(built / ".web" / config)
    assert (folder / ".web/app/routes.js").exists()
    assert not (folder / ".web/app/routes").exists()  # the other app's pages
    assert (folder / "reflex.lock/package-lock.json").exists()


@pytest.mark.slow
def test_a_stopped_server_leaves_no_process(run_app: Callable[..., AppServer]) -> None:
    server = run_app(PAGE, GREETING="hello")
    process = server.process
    assert process is not None
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    server.stop()
