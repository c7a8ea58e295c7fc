"""What `make dist` has made, tried as its users have it: smoke.py DIST SIMULATOR TARGET.

The wheel is installed on every CPython from 3.10 that is on this machine, without a compiler in PATH, and does a whole
job, a Ctrl-C and a fork. The source is built outside of the repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("smoke_program.py")
PHOTOS = sorted((REPOSITORY / "tests" / "photos").glob("*.jpg"))
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# It is the whole of it: no network, no compiler.
LONGEST_INSTALL = 3.0


def interpreter(version: str) -> Path | None:
    """pyenv's, or what is in PATH: a shim of pyenv's is there for versions that are not active, too."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [str(path) for path in root.glob(f"versions/{version}.*/bin/python")] + [
        shutil.which(f"python{version}") or ""
    ]
    asked = "import sys; print(*sys.version_info[:2], sep='.')"
    for path in filter(None, found):
        answer = subprocess.run([path, "-c", asked], check=False, capture_output=True, text=True)
        if answer.stdout.strip() == version:
            return Path(path)
    return None


class Room:
    """A virtual environment in a folder of its own, with a PATH in which nothing else is."""

    def __init__(self, folder: Path, python: Path) -> None:
        subprocess.run([python, "-m", "venv", folder], check=True)
        self.folder = folder
        self.bin = folder / "bin"
        bare = {"PATH": str(self.bin), "HOME": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self.environment = {**bare, "XIEZHEN_APP_CODE": "simulator-app-code"}

    def run(self, *command: str | Path, **more: str) -> str:
        program, *arguments = command
        environment = {**self.environment, **more}
        ended = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1800,
        )
        if ended.returncode != 0:
            raise SystemExit(f"failed ({ended.returncode}): {command}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def works(self, url: str) -> None:
        self.run("python", PROGRAM, url, *PHOTOS)
        said = self.run("xiezhen", "--version")
        if said != self.run("python", "-m", "xiezhen", "--version"):
            raise SystemExit(f"two commands: {said}")


def the_wheel(dist: Path, url: str, folder: Path) -> int:
    """On each CPython; answers how many there are."""
    tried = 0
    for version in VERSIONS:
        python = interpreter(version)
        if python is None:
            print(f"CPython {version} is not here: skipped")
            continue
        room = Room(folder / version, python)
        begun = time.monotonic()
        room.run("pip", "install", "--quiet", "--no-index", "--find-links", dist, "--only-binary", ":all:", "xiezhen")
        seconds = time.monotonic() - begun
        room.works(f"{url}/spaces/wheel-{version}")
        slow = "" if seconds <= LONGEST_INSTALL else f" (more than {LONGEST_INSTALL:.0f} s: is the machine busy?)"
        print(f"CPython {version}: installed in {seconds:.1f} s{slow}, works")
        tried += 1
    return tried


def the_source(dist: Path, url: str, folder: Path, target: Path) -> None:
    """Built as pip builds it, with others' crates that were built before, to save time."""
    # cargo takes ours for the repository's own, and by the times of their files for old.
    for ours in (target / "debug" / ".fingerprint").glob("xiezhen*"):
        shutil.rmtree(ours)
    room = Room(folder / "source", Path(sys.executable))
    (sdist,) = (path for path in dist.glob("xiezhen-[0-9]*.tar.gz") if "-linux-" not in path.name)
    compiler = {"PATH": f"{room.bin}:{os.environ['PATH']}", "HOME": str(Path.home()), "CARGO_TARGET_DIR": str(target)}
    room.run("pip", "install", "--quiet", sdist, MATURIN_PEP517_ARGS="--profile dev", **compiler)
    room.works(f"{url}/spaces/source")
    print(f"{sdist.name}: built outside of the repository, works")


def main() -> int:
    dist, binary, target = (Path(argument).resolve() for argument in sys.argv[1:])
    quick = ("--training-seconds", "0.1", "--generation-seconds", "0.05", "--pictures-per-task", "2")
    # It ends with its stdin, so it can't outlive this program.
    simulator = subprocess.Popen(
        [binary, "--port", "0", "--seed", "7", *quick], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with simulator, tempfile.TemporaryDirectory() as folder:
        assert simulator.stdout is not None
        url = simulator.stdout.readline().strip()
        tried = the_wheel(dist, url, Path(folder))
        the_source(dist, url, Path(folder), target)
        simulator.communicate()
    return 0 if tried else 1


if __name__ == "__main__":
    sys.exit(main())
