"""The command `xiezhen`, as the package installs it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from conftest import Space

SCRIPT = str(Path(sysconfig.get_path("scripts")) / "xiezhen")


@pytest.mark.parametrize("command", [[SCRIPT], [sys.executable, "-m", "xiezhen"]], ids=["script", "module"])
def test_the_command(command: list[str], space: Space) -> None:
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=20, check=True)
    assert "xiezhen" in shown.stdout
    assert subprocess.run([*command, "--no-such-option"], capture_output=True, timeout=20, check=False).returncode == 2
    environment = os.environ | {"XIEZHEN_BASE_URL": space.url, "XIEZHEN_APP_CODE": "simulator-app-code"}
    styles = subprocess.run(
        [*command, "styles"], capture_output=True, text=True, timeout=20, env=environment, check=True
    )
    assert styles.stdout.strip()
