"""Runs every example of the guides against the simulator, side by side, each in a folder of its own with ten photos."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "docs" / "examples"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "debug"
COMMANDS = {
    ".py": [str(REPOSITORY / "bindings-python" / ".venv" / "bin" / "python")],
    ".mjs": ["node"],
}
# What an example prints at least; any other says which files it has written.
SAYS = {"errors": "timeout", "store": "done", "many": "order-2 done", "photos": "10 of 10 photos are good"}
# A task's end is told to these examples, and each needs a port for it.
CALLED_BACK = ("callbacks", "callbacks_web")


def main() -> int:
    examples = sorted(path for path in EXAMPLES.iterdir() if path.suffix in COMMANDS)
    with tempfile.TemporaryDirectory(prefix="xiezhen-examples-") as name:
        folder = Path(name)
        package = folder / "node_modules" / "xiezhen"
        package.parent.mkdir()
        package.symlink_to(REPOSITORY / "bindings-node")
        command = [str(TARGET / "xiezhen-simulator"), "--clock-scale", "100000"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as simulator:
            assert simulator.stdout is not None
            url = simulator.stdout.readline().strip()
            with ThreadPoolExecutor(len(examples)) as pool:
                failures = [failure for failure in pool.map(lambda path: run(path, folder, url), examples) if failure]
            simulator.terminate()
    print(*failures, sep="\n")
    print(f"{len(examples) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


def run(example: Path, folder: Path, url: str) -> str | None:
    """Runs one, and says how it failed."""
    room = folder / example.name
    room.mkdir()
    shutil.copytree(REPOSITORY / "tests" / "photos", room / "photos")
    shutil.copy(example, room)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"XIEZHEN_BASE_URL": f"{url}/spaces/{example.name}", "XIEZHEN_APP_CODE": "simulator-app-code"}
    if example.stem in CALLED_BACK:
        environment |= callback_settings()
    done = subprocess.run(
        [*COMMANDS[example.suffix], example.name],
        cwd=room,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    expected = SAYS.get(example.stem, "out")
    if done.returncode == 0 and expected in done.stdout:
        if example.stem in CALLED_BACK and not was_called_back(environment["XIEZHEN_BASE_URL"]):
            return f"{example.name} received no callback"
        return None
    return f"{example.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}"


def callback_settings() -> dict[str, str]:
    """A free port: whoever takes it in the meantime makes the example fail, which says so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    return {
        "LISTEN": address,
        "XIEZHEN_CALLBACK_URL": f"http://{address}/hooks",
        "XIEZHEN_CALLBACK_SECRET": "a secret for examples",
    }


def was_called_back(url: str) -> bool:
    """Whether a callback was taken for one."""
    with urllib.request.urlopen(f"{url}/_simulator/journal", timeout=30) as answer:
        return any(entry["call"] == "callback" and entry["status"] == 204 for entry in json.load(answer))


if __name__ == "__main__":
    sys.exit(main())
