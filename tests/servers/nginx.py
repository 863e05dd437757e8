"""A real nginx, with the configuration that docs/deployment.md shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from streamui.testing.app_server import free_port

DEPLOYMENT = Path(__file__).parents[2] / "docs" / "deployment.md"
NAMES = ("first", "second", "third")
"""A page at ``http://first.localhost:…`` gets the first worker while there is one."""

_OPTIONS = "fail_timeout=1s"
_MAIN = """
daemon off;
worker_processes 1;
{user}
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $host $workers {{ default app; {names} }}
    {upstreams}
    {site}
}}
"""


class Nginx:
    """One nginx on a free port of the loopback interface, before the workers of an app.

    Args:
        frontend: The folder with the static files of the pages.
        workers: The ports of the workers.
        backup: Whether another worker stands in for one of one's choice.
    """

    def __init__(self, frontend: Path, workers: Sequence[int], *, backup: bool = True) -> None:
        self.port = free_port()
        self._frontend, self._workers, self._backup = frontend, workers, backup

    @staticmethod
    def address(worker: int | None, port: int) -> str:
        """The pages' address: at a worker of one's choice, or at any."""
        host = "localhost" if worker is None else f"{NAMES[worker]}.localhost"
        return f"http://{host}:{port}"

    @property
    def errors(self) -> str:
        return Path(self._folder.name, "error.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="nginx-")
        config = Path(self._folder.name, "nginx.conf")
        config.write_text(self._config())
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program is not None, "nginx is not installed; see scripts/install-servers"
        self._process = subprocess.Popen(
            [program, "-p", self._folder.name, "-c", str(config)], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                errors = self.errors
                self.__exit__()
                raise RuntimeError(f"nginx did not start:\n{errors}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._folder.cleanup()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _config(self) -> str:
        upstreams: list[str] = []
        names: list[str] = []
        for name, port in zip(NAMES, self._workers, strict=False):
            names.append(f"{name}.localhost {name};")
            others = [each for each in self._workers if each != port] if self._backup else []
            servers = [f"127.0.0.1:{port}", *(f"127.0.0.1:{each} backup" for each in others)]
            lines = " ".join(f"server {each} {_OPTIONS};" for each in servers)
            upstreams.append(f"upstream {name} {{ {lines} }}")
        return _MAIN.format(
            folder=self._folder.name,
            user="user root;" if os.geteuid() == 0 else "",
            names=" ".join(names),
            upstreams="\n    ".join(upstreams),
            site=self._site(),
        )

    def _site(self) -> str:
        """The site of the documentation, with this machine's ports and paths."""
        (text,) = re.findall(r"^```nginx\n(.*?)^```$", DEPLOYMENT.read_text(), re.M | re.S)
        servers = "\n".join(f"server 127.0.0.1:{each} {_OPTIONS};" for each in self._workers)
        text, found = re.subn(rf"( *server 127\.0\.0\.1:\d+ {_OPTIONS};\n)+", f"{servers}\n", text)
        assert found == 1, text
        for there, here in (
            ("listen 80;", f"listen 127.0.0.1:{self.port};"),
            ("root /srv/app/frontend;", f"root {self._frontend};"),
            ("proxy_pass http://app;", "proxy_pass http://$workers;"),
        ):
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        return text
