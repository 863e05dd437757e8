"""The three servers under test, and the processor time they use."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from benchmarks.usechat import build

ROOT = Path(__file__).parent.parent
APP = ROOT / "benchmarks" / "app"
PROGRAMS = Path(sys.executable).parent
TICKS = os.sysconf("SC_CLK_TCK")


class ServerError(RuntimeError):
    """A server ended, or did not start in time; the message carries the end of its log."""


class Server:
    """A server process with all its children, ended together.

    Attributes:
        url: Where it listens, without a trailing slash.
    """

    def __init__(self, command: list[str], port: int, folder: Path, **environment: str) -> None:
        """Start it; `__enter__` waits until it answers.

        Args:
            command: What to run.
            port: The port it will listen on, on loopback.
            folder: Its working folder.
            environment: Variables beside those of this process.
        """
        self.url = f"http://127.0.0.1:{port}"
        self._seen: set[int] = set()
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Wait until the server answers; the Reflex app is built first, so for minutes.

        Raises:
            ServerError: If it does not.
        """
        deadline = time.monotonic() + 600
        try:
            while not self._answers():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise ServerError(f"no answer from {self.url}\n{self._last_words()}")
                time.sleep(0.2)
        except BaseException:
            # An interrupted wait too: `__exit__` is not called when this does not return.
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End every process of the server."""
        self._stop()
        self._log.close()

    def cpu(self) -> float:
        """Return the seconds of processor time, user and system, that it has used so far.

        Raises:
            ServerError: If a process of it has ended since the last time: the sum is then wrong.
        """
        times = {process: int(stat[11]) + int(stat[12]) for process, stat in self._processes()}
        if not times.keys() >= self._seen:
            raise ServerError(f"a process of {self.url} has ended\n{self._last_words()}")
        self._seen = set(times)
        return sum(times.values()) / TICKS

    def rest(self, timeout: float = 30) -> None:
        """Wait until it is idle, so that one measurement does not pay for the one before."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(0.3)
            if self.cpu() - before < 0.02:
                return

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-4000:]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def _processes(self) -> Iterator[tuple[int, list[str]]]:
        # By session rather than by parent: a worker whose parent has died is still found.
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    stat = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(stat[3]) == self._process.pid:
                    yield int(folder.name), stat

    def _stop(self) -> None:
        for sign, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            deadline = time.monotonic() + patience
            for process, _ in self._processes():
                try:
                    os.kill(process, sign)
                except ProcessLookupError:
                    continue
            while time.monotonic() < deadline:
                self._process.poll()
                if all(stat[0] == "Z" for _, stat in self._processes()):
                    self._process.wait()
                    return
                time.sleep(0.1)


def free_port(ports: range) -> int:
    """Return a port that nobody listens on."""
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise ServerError(f"no free port between {ports.start} and {ports.stop - 1}")


def reflex_server(*, rivals_only: bool = False) -> Server:
    """Build the Reflex app and serve it as in production.

    Args:
        rivals_only: Leave our own pages out.
    """
    port = free_port(range(3200, 3300))
    options = f"--env prod --single-port --backend-host 127.0.0.1 --backend-port {port}"
    return Server(
        [str(PROGRAMS / "reflex"), "run", *options.split()],
        port,
        APP,
        PATH=f"{PROGRAMS}:{os.environ['PATH']}",
        REFLEX_USE_NPM="1",
        REFLEX_TELEMETRY_ENABLED="false",
        **({"BENCH_RIVALS_ONLY": "1"} if rivals_only else {}),
    )


def sse_server() -> Server:
    """Serve the bare page with the server that Reflex uses too: Granian, one worker."""
    port = free_port(range(8300, 8400))
    options = f"--interface asgi --workers 1 --host 127.0.0.1 --port {port}"
    return Server(
        [sys.executable, "-m", "granian", *options.split(), "benchmarks.sse:app"],
        port,
        ROOT,
    )


def usechat_server() -> Server:
    """Build the page of the AI SDK's `useChat` and serve it with Node, as in production."""
    build.build()
    port = free_port(range(8400, 8500))
    return Server(
        [str(PROGRAMS / "node"), "server.mjs", str(port)],
        port,
        build.FOLDER,
        NODE_ENV="production",
    )
