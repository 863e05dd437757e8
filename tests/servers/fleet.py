"""A Reflex app as it is deployed: its pages as files, nginx, several workers, one Redis."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from streamui.models.demo.host import DemoServer
from streamui.testing import AppServer
from streamui.testing.app_server import free_port
from tests.servers.network import Network
from tests.servers.nginx import Nginx
from tests.store.redis_server import redis_server

_EXPORT = ("export", "--frontend-only", "--no-zip")


class Pages:
    """The pages of an app as files, written once; they find their workers at one port.

    Args:
        app: The app; it is not started.
    """

    def __init__(self, app: AppServer) -> None:
        self.app, self.port = app, free_port()
        self.api = {"REFLEX_API_URL": f"http://localhost:{self.port}"}
        subprocess.run(
            [sys.executable, "-m", "reflex", *_EXPORT],
            cwd=app.folder,
            env={**app.environment, **self.api},
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=100,
        )
        self.files = app.folder / ".web" / "build" / "client"


class Fleet:
    """The workers of an app, and what is before and behind them.

    Attributes:
        workers: Each with a port and a log of its own.
        provider: Where they ask a model.
        redis: What they share.
        nginx: What is before them.
        network: What is between the browsers and nginx.

    Args:
        pages: The app's pages.
        folder: An empty folder.
        servers: How each worker is started.
        shared: Whether they share a Redis. Otherwise none stands in for another.
        env: More of their environment.
    """

    def __init__(
        self,
        pages: Pages,
        folder: Path,
        *servers: type[AppServer],
        shared: bool = True,
        env: Mapping[str, str | None] | None = None,
    ) -> None:
        self._pages, self._shared = pages, shared
        self._stack = contextlib.ExitStack()
        self.workers = [
            server(
                _copy(pages.app.folder, folder / str(number)),
                options=["--backend-only"],
                env={
                    **{name: pages.app.environment[name] for name in ("PATH", "REFLEX_USE_NPM")},
                    **pages.api,
                    "GRANIAN_WORKERS": "1",
                    **(env or {}),
                },
            )
            for number, server in enumerate(servers)
        ]

    def url(self, worker: int | None = None) -> str:
        """The address of the pages: at one worker while it lives, or at any of them."""
        return self.nginx.address(worker, self._pages.port)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            around: dict[str, str] = {}
            self.provider = DemoServer()
            stack.callback(self.provider.stop)
            self.provider.start()
            around["OPENAI_BASE_URL"] = self.provider.base_url
            if self._shared:
                self.redis = stack.enter_context(redis_server())
                around["REFLEX_REDIS_URL"] = self.redis.url
            for worker in self.workers:
                worker.environment.update(around)
                stack.callback(worker.stop)
            self.start()
            ports = [worker.port for worker in self.workers]
            nginx = Nginx(self._pages.files, ports, backup=self._shared)
            self.nginx = stack.enter_context(nginx)
            network = Network(lambda: [nginx.port], self._pages.port)
            self.network = stack.enter_context(network)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the workers that do not run."""
        still = [worker for worker in self.workers if worker.process is None]
        with ThreadPoolExecutor() as threads:
            list(threads.map(AppServer.start, still))

    def log_tail(self) -> str:
        logs = [f"worker {number}:\n{each.log_tail()}" for number, each in enumerate(self.workers)]
        return "\n".join([*logs, f"nginx:\n{self.nginx.errors}"])


class Several(AppServer):
    """Two workers on one port, as `reflex run` starts them by itself where there is a Redis."""

    def __init__(self, folder: Path, *, env: Mapping[str, str | None], **options: Any) -> None:
        super().__init__(folder, env={**env, "GRANIAN_WORKERS": "2"}, **options)


class Granian(AppServer):
    """A worker that is started without Reflex's command, which deletes the states on disk."""

    def __init__(self, folder: Path, *, env: Mapping[str, str | None], **_: Any) -> None:
        super().__init__(folder, env=env)
        self._command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory"]
        self._command += ["--port", str(self.port), "page.page:app"]


def _copy(app: Path, folder: Path) -> Path:
    """Give a worker a folder of its own, because Reflex writes into it."""
    ignored = shutil.ignore_patterns("node_modules", "build", ".states", "*.log")
    shutil.copytree(app, folder, ignore=ignored, symlinks=True)
    return folder
