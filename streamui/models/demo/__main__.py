"""``python -m streamui.models.demo --port 8090``: the demo model alone."""

from __future__ import annotations

import argparse
from contextlib import suppress

from streamui.models.demo.host import DemoServer


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m streamui.models.demo", description="streamui's demo model, alone."
    )
    parser.add_argument("--port", type=int, default=8090, help="0 takes any that is free")
    demo = DemoServer(parser.parse_args().port)
    demo.start()
    print(f"OPENAI_BASE_URL={demo.base_url}", flush=True)
    with suppress(KeyboardInterrupt):
        demo.join()
    demo.stop()


if __name__ == "__main__":
    main()
