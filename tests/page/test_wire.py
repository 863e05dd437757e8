import importlib.util
import json
from pathlib import Path

import pytest

WIRE = Path(__file__).parent.parent / "wire"
_spec = importlib.util.spec_from_file_location("wire_play", WIRE / "play.py")
assert _spec is not None and _spec.loader is not None
play = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(play)
CASES = json.loads((WIRE / "streams.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_server_sends_what_the_contract_says(case):
    ops, end = play.play(case["steps"])
    assert ops == case["frames"]
    assert end == case["end"]
