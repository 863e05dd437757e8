"""The servers under load, each in processes of its own."""

import os
import sys

from benchmarks.servers import PROGRAMS, ROOT, Server, free_port

APP = ROOT / "benchmarks" / "load" / "app"


def backend() -> Server:
    """Start the Reflex backend as in production, with one worker and no frontend."""
    port = free_port(range(3300, 3400))
    options = f"--env prod --backend-only --backend-host 127.0.0.1 --backend-port {port}"
    return Server(
        [str(PROGRAMS / "reflex"), "run", *options.split()],
        port,
        APP,
        PATH=f"{PROGRAMS}:{os.environ['PATH']}",
        REFLEX_USE_NPM="1",
        REFLEX_TELEMETRY_ENABLED="false",
        REFLEX_STATE_MANAGER_MODE="memory",
        GRANIAN_WORKERS="1",
    )


def event_streams() -> Server:
    """Start a plain server of event streams, with uvicorn."""
    port = free_port(range(3400, 3500))
    options = f"--host 127.0.0.1 --port {port} --log-level critical"
    return Server([sys.executable, "-m", "uvicorn", *options.split(), "benchmarks.load.events:app"],
                  port, ROOT)  # fmt: skip
