"""A Reflex app in a process of its own, started for a test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

_RXCONFIG = """\
import reflex as rx

config = rx.Config(
    app_name={name!r},
    telemetry_enabled=False,
    plugins=[rx.plugins.RadixThemesPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
"""
# What a compiled app leaves in .web beside the packages; each app writes its own.
_COMPILED = ("routes", "app_components", "backend", "build", "public", ".react-router")


def free_port() -> int:
    """Return a TCP port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class AppServer:
    """A running Reflex app: built for production, page and backend on one port, by default.

    It runs in a process group of its own, which ends with it. What it prints is in ``log``.

    Attributes:
        folder: The app's folder, with its ``rxconfig.py``.
        port: The port of the backend.
        url: Where the page is.
        log: The file with everything that the server has printed.
        environment: The environment variables that it runs with.
        process: The running server, which leads its process group; None while it is stopped.

    Example::

        with AppServer.from_source(Path("hello.py").read_text(), tmp_path) as server:
            page.goto(server.url)
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        mode: Literal["prod", "dev"] = "prod",
        options: Sequence[str] = (),
        env: Mapping[str, str | None] | None = None,
        python: str = sys.executable,
        timeout: float = 60,
    ) -> None:
        """Describe the server; ``with`` or ``start()`` starts it.

        Args:
            folder: A folder with an ``rxconfig.py``.
            port: The port to listen on; a free one if not given.
            mode: ``dev`` serves the page by the development server, on a free port of its own.
            options: More options for ``reflex run``, such as ``--backend-only``.
            env: Environment variables to set, or with ``None`` to remove.
            python: The Python to run Reflex with, from the environment that it is installed in.
            timeout: Seconds until a server that does not answer counts as failed.
        """
        self.folder = folder
        self.port = port or free_port()
        page_port = self.port if mode == "prod" else free_port()
        self.url = f"http://localhost:{page_port}"
        self.log = folder / "server.log"
        self._command = [python, "-m", "reflex", "run", "--env", mode]
        self._command += ["--backend-host", "127.0.0.1", "--backend-port", str(self.port)]
        if mode == "dev":
            self._command += ["--frontend-port", str(page_port)]
        self._command += options
        self.environment = _environment(Path(python).parent, env or {})
        self._timeout = timeout
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def from_source(
        cls,
        source: str,
        folder: Path,
        *,
        packages: Path | None = None,
        port: int | None = None,
        env: Mapping[str, str | None] | None = None,
        python: str = sys.executable,
    ) -> Self:
        """Write a one-file app into a folder.

        Args:
            source: The Python code of a Reflex app.
            folder: An empty folder to write it to.
            packages: The folder of another app that has been built. Its npm packages are shared,
                which saves the time to install them.
            port: The port to listen on; a free one if not given.
            env: Environment variables to set, or with ``None`` to remove.
            python: The Python to run Reflex with.
        """
        name = "page"
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        (folder / name / f"{name}.py").write_text(source)
        (folder / "rxconfig.py").write_text(_RXCONFIG.format(name=name))
        # Browsers ask for it, and would complain in the console.
        (folder / "assets").mkdir()
        (folder / "assets" / "favicon.ico").touch()
        if packages is not None:
            share_packages(packages, folder)
        return cls(folder, port=port, env=env, python=python)

    def start(self) -> Self:
        """Build the page and start the server; return when it answers.

        Raises:
            RuntimeError: It ended or did not answer in time. The message ends with its log.
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + self._timeout
        try:
            while not self._answers():
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.folder} did not start:\n{self.log_tail()}")
                time.sleep(0.1)
        except BaseException:  # a test's own time limit too: nothing stays behind
            self.stop()
            raise
        return self

    def stop(self, *, by: signal.Signals = signal.SIGTERM) -> None:
        """End the server and every process it started; harmless when it runs no longer.

        Args:
            by: The signal to send first. ``SIGKILL`` plays a server that dies.
        """
        if self.process is None:
            return
        for each in (by, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, each)
                self.process.wait(timeout=10)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        self.process = None

    def log_tail(self, lines: int = 60) -> str:
        """Return the last lines that the server has printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        addresses = [f"http://127.0.0.1:{self.port}/ping"]
        if "dev" in self._command:
            addresses.append(self.url)
        try:
            for address in addresses:
                with urllib.request.urlopen(address, timeout=5):
                    pass
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True


def share_packages(built: Path, folder: Path) -> None:
    """Give an app the npm packages that another app has installed.

    Args:
        built: The folder of the app that has been built.
        folder: The folder of the new app.
    """
    # Reflex installs again when the lock file in reflex.lock/ is not the one in .web/.
    shutil.copytree(built / "reflex.lock", folder / "reflex.lock", dirs_exist_ok=True)
    others = shutil.ignore_patterns("node_modules", *_COMPILED)
    shutil.copytree(built / ".web", folder / ".web", ignore=others, symlinks=True)
    # Hard links take no time and no space. Only for packages: npm replaces files, it never
    # writes into one, while Reflex rewrites the other files of .web in place.
    shutil.copytree(
        built / ".web" / "node_modules",
        folder / ".web" / "node_modules",
        ignore=shutil.ignore_patterns(".vite"),
        copy_function=os.link,
        symlinks=True,
    )


def _environment(programs: Path, changes: Mapping[str, str | None]) -> dict[str, str]:
    """The environment for ``reflex run``: quiet, and with the Node installed beside Python."""
    env = {
        **os.environ,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
    }
    if (programs / "npm").exists():
        env["REFLEX_USE_NPM"] = "1"
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env
