"""A real PostgreSQL for tests: a cluster of its own on a free port, gone when they end."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER = "postgres"


def program(name: str) -> str:
    """Where a program of PostgreSQL is; Debian keeps it out of the way."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(places[-1]) if places else None)
    if found is None:
        raise RuntimeError(f"{name} is missing: run scripts/install-servers")
    return found


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """A server that forgets everything; gives its address for SQLAlchemy and psycopg."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        # It refuses to run as root.
        as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        if as_user:
            shutil.chown(folder, USER)
        data = f"{folder}/data"

        def run(name: str, *arguments: str) -> None:
            command = [*as_user, program(name), "-D", data, *arguments]
            with open(f"{folder}/log", "ab") as log:
                ended = subprocess.run(command, cwd=folder, stdout=log, stderr=log, timeout=60)
            if ended.returncode:
                raise RuntimeError(f"{name} failed:\n{Path(folder, 'log').read_text()}")

        run("initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", USER)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
        run("pg_ctl", "start", "-w", "-o", options, "-l", f"{data}/server.log")
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate")
