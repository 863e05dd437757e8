"""An app of Starlette alone, under uvicorn, that is asked to end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from streamui.testing.app_server import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "uvicorn", "tests.server.lifespan_app:app"]
    with (tmp_path / "log").open("w+b") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)], cwd=Path(__file__).parents[2], stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + 20
            while b"running on" not in (tmp_path / "log").read_bytes():
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_open_response_does_not_keep_the_process_alive(
    server: subprocess.Popen[bytes], port: int, number: signal.Signals, tmp_path: Path
) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert client.get("/ask").text  # the demo model runs, and a client is open
        with client.stream("GET", "/tick") as response:
            lines = response.iter_lines()
            assert next(lines) == 'data: "tick"'
            server.send_signal(number)
            with pytest.raises(httpx.RemoteProtocolError):  # broken off, so to be resumed
                for _ in lines:
                    pass
    server.wait(5)
    log = (tmp_path / "log").read_text()
    assert "Application shutdown complete" in log
    assert "Error" not in log and "error" not in log, log
