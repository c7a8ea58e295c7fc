"""Runs every example of the guides against the simulator, side by side, each in a folder of its own with ten photos."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
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
SAYS = {"errors": "timeout", "store": "done", "many": "order-2 done"}


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
        return None
    return f"{example.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}"


if __name__ == "__main__":
    sys.exit(main())
