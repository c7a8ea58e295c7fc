"""The Node package's `client.step`, by Node's own test runner: step.test.mjs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Space


@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_turns_in_node(kind: str, name: str, space: Space) -> None:
    told = os.environ | {"XIEZHEN_STEP": json.dumps({"kind": kind, "name": name, "url": space.url})}
    program = Path(__file__).with_name("step.test.mjs")
    ran = subprocess.run(["node", "--test", str(program)], env=told, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert "# pass 6" in ran.stdout
