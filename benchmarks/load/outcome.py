"""What a case found, said on its standard output for whoever started it."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.targets import Check

MARK = "outcome: "


@dataclass(frozen=True)
class Outcome:
    """What one case found.

    Attributes:
        name: The case.
        checks: What was to be reached, and what was.
        seconds: How long the load lasted.
        cpu: Processor time of the process that makes and serves the streams, in seconds.
    """

    name: str
    checks: list[Check]
    seconds: float
    cpu: float

    def say(self) -> None:
        """Write it as one line."""
        print(f"{MARK}{json.dumps(asdict(self))}", flush=True)
        sys.stdout.flush()

    @classmethod
    def heard(cls, output: str) -> "Outcome":
        """Read what :meth:`say` wrote.

        Raises:
            RuntimeError: If it wrote nothing; the message carries the end of what it did write.
        """
        for line in output.splitlines():
            if line.startswith(MARK):
                said = json.loads(line.removeprefix(MARK))
                return cls(**{**said, "checks": [Check(**check) for check in said["checks"]]})
        raise RuntimeError(f"the case did not end:\n{output[-3000:]}")


def resident(process: int | None = None) -> float:
    """Return the memory that a process has, in megabytes.

    Args:
        process: Its number; this process by default.
    """
    status = Path(f"/proc/{process or os.getpid()}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def descriptors(process: int | None = None) -> int:
    """Return how many descriptors a process has open."""
    return len(os.listdir(f"/proc/{process or os.getpid()}/fd"))
