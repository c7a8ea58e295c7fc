"""The command `xiezhen`, as the package installs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from conftest import Space

SCRIPT = str(Path(sysconfig.get_path("scripts")) / "xiezhen")


@pytest.mark.parametrize("command", [[SCRIPT], [sys.executable, "-m", "xiezhen"]], ids=["script", "module"])
def test_the_command(command: list[str], space: Space) -> None:
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=20, check=True)
    # What it says to type is what was typed.
    assert ("-m xiezhen" in shown.stdout) == ("-m" in command)
    assert subprocess.run([*command, "--no-such-option"], capture_output=True, timeout=20, check=False).returncode == 2
    environment = os.environ | {"XIEZHEN_BASE_URL": space.url, "XIEZHEN_APP_CODE": "simulator-app-code"}
    styles = subprocess.run(
        [*command, "styles"], capture_output=True, text=True, timeout=20, env=environment, check=True
    )
    assert styles.stdout.strip()


def test_ctrl_c(space: Space) -> None:
    space.fault(call="list_styles", stall="before")
    environment = os.environ | {"XIEZHEN_BASE_URL": space.url, "XIEZHEN_APP_CODE": "simulator-app-code"}
    with subprocess.Popen([SCRIPT, "styles"], stderr=subprocess.PIPE, text=True, env=environment) as process:
        while space.count("list_styles") == 0:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=5)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in said
