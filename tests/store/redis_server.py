"""A real redis-server, or a cluster of three, for tests: started, stopped, killed, paused."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on now; a cluster node needs the one 10,000 above, too."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            if port > 50_000:
                continue
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port


class RedisServer:
    """One redis-server on a free port of the loopback interface, without a file on disk."""

    def __init__(self, *options: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> RedisServer:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", self._folder.name, "--save", "", "--appendonly", "no"]
        with Path(self._folder.name, "log").open("ab") as output:
            self._process = subprocess.Popen(
                [*command, *self._options], stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 20
        while not self.cli("PING", check=False).startswith(("PONG", "NOAUTH")):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"redis-server did not start:\n{self.log}")
            time.sleep(0.02)
        return self

    @property
    def log(self) -> str:
        return Path(self._folder.name, "log").read_text()

    def cli(self, *command: str, check: bool = True) -> str:
        """What redis-cli prints for a command."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *command],
            check=check,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.stdout.strip()

    def kill(self) -> None:
        """As a crash: kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """As an administrator does."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def pause(self) -> None:
        """It is there, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it for good, and remove its folder."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.go_on()
        self.kill()
        self._folder.cleanup()


@contextlib.contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    server = RedisServer(*options)
    try:
        yield server.start()
    finally:
        server.close()


def _sees_three_masters(node: RedisServer) -> bool:
    """Right after its creation each node has a view of its own."""
    lines = node.cli("CLUSTER", "NODES").splitlines()
    masters = [line for line in lines if "master" in line and line.rsplit(" ", 1)[-1][0].isdigit()]
    ranges = {line.rsplit(" ", 1)[-1] for line in masters if "-" in line.rsplit(" ", 1)[-1]}
    return len(ranges) == 3 and "cluster_state:ok" in node.cli("CLUSTER", "INFO")


class RedisCluster:
    """Three nodes that share the slots."""

    def __init__(self, nodes: list[RedisServer]) -> None:
        self.nodes = nodes

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes)}"


@contextlib.contextmanager
def redis_cluster() -> Iterator[RedisCluster]:
    """A cluster of three nodes, each of which serves its slots without the others."""
    nodes = [
        RedisServer(
            *("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"),
            *("--cluster-require-full-coverage", "no"),
        )
        for _ in range(3)
    ]
    try:
        for node in nodes:
            node.start()
        places = [f"127.0.0.1:{node.port}" for node in nodes]
        subprocess.run(
            ["redis-cli", "--cluster", "create", *places, "--cluster-yes"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        deadline = time.monotonic() + 30
        while not all(map(_sees_three_masters, nodes)):
            if time.monotonic() > deadline:
                raise RuntimeError("the cluster did not come up")
            time.sleep(0.05)
        yield RedisCluster(nodes)
    finally:
        for node in nodes:
            node.close()
