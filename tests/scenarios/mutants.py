#!/usr/bin/env python3
"""Tries deliberate defects, one after another in a copy of the tree: each must fail a scenario.

    mutants.py [--only TEXT …] [--check] [--folder FOLDER]

For a defect of the core, the Rust driver is enough: what it does, it does in every language. A defect of a binding names
its file from the root of the repository, and the driver that it is played through.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from run import REPOSITORY, TARGET
from scenario import HERE


# What was installed for the bindings; it is not of the tree.
KEPT = {".venv", "node_modules"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="defects with this in their names")
    parser.add_argument("--check", action="store_true", help="only whether each finds its text, once")
    parser.add_argument(
        "--folder", default=Path(tempfile.gettempdir()) / "xiezhen-mutants", type=Path, help="for the copy"
    )
    asked = parser.parse_args()
    listed = json.loads((HERE / "mutants.json").read_text("utf-8"))
    defects = [one for one in listed if not asked.only or any(text in one["defect"] for text in asked.only)]
    if not defects:
        raise SystemExit(f"no defect has {asked.only} in its name")
    if asked.check:
        return found(REPOSITORY, defects)
    tree = asked.folder / "tree"
    copy_of_head(tree)
    if found(tree, defects):
        return 1
    # Nobody debugs a mutant: only what it changed is built again, and linked in a moment.
    environment = os.environ | {"CARGO_TARGET_DIR": str(asked.folder / "target"), "CARGO_PROFILE_DEV_DEBUG": "0"}
    for driver in dict.fromkeys(driver_of(one) for one in defects):
        subprocess.run(build(driver), cwd=tree, env=environment, check=True)
        # The service has no defect, so it need not be built again.
        shutil.copy(TARGET / "xiezhen-simulator", asked.folder / "target" / "debug")
        broken = first_failure(tree, environment, driver)
        if broken:
            raise SystemExit(f"the list fails without any defect: {broken}")

    missed = 0
    for one in defects:
        path, driver = file_of(tree, one), driver_of(one)
        sound = path.read_text("utf-8")
        path.write_text(sound.replace(one["from"], one["to"]), "utf-8")
        try:
            built = subprocess.run(build(driver), cwd=tree, env=environment, check=False, capture_output=True, text=True)
            if built.returncode:
                raise SystemExit(f"{one['defect']}: does not build:\n{built.stderr}")
            caught = first_failure(tree, environment, driver)
        finally:
            path.write_text(sound, "utf-8")
        missed += not caught
        verdict = f"caught by {caught!r}" if caught else "MISSED"
        print(f"{one['defect']}: {verdict}", flush=True)
    print(f"{len(defects) - missed} passed, {missed} failed")
    return 1 if missed else 0


def driver_of(defect: dict[str, str]) -> str:
    return defect.get("driver", "rust")


def file_of(tree: Path, defect: dict[str, str]) -> Path:
    """A defect of the core names its file from there."""
    return tree / defect["file"] if "driver" in defect else tree / "core" / "src" / defect["file"]


def build(driver: str) -> list[str]:
    """Builds what a driver plays through."""
    if driver == "rust":
        return ["cargo", "build", "--quiet", "--package", "xiezhen-scenarios"]
    target = {"asyncio": "python", "cpp": "c"}.get(driver, driver)
    return ["make", "--no-print-directory", "--silent", "-C", "tests/scenarios", target]


def found(tree: Path, defects: list[dict[str, str]]) -> int:
    """Whether each defect finds its text, and finds it once; says which doesn't."""
    lost = 0
    for one in defects:
        path = file_of(tree, one)
        times = path.read_text("utf-8").count(one["from"]) if path.is_file() else 0
        if times != 1:
            lost += 1
            print(f"{one['defect']}: {one['file']} has its text {times} times, not once")
    print(f"{len(defects) - lost} of {len(defects)} defects find their text")
    return 1 if lost else 0


def copy_of_head(tree: Path) -> None:
    """What is committed. Files that are the same keep their times, so that little is built anew."""
    tree.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        entries = list(filter(tarfile.TarInfo.isfile, files))
        files_there = {path for path in tree.rglob("*") if path.is_file() and not KEPT & set(path.parts)}
        gone = files_there - {tree / entry.name for entry in entries}
        for path in gone:
            path.unlink()
        for entry in entries:
            content, path = files.extractfile(entry).read(), tree / entry.name  # type: ignore[union-attr]
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def first_failure(tree: Path, environment: dict[str, str], driver: str) -> str:
    """The scenario that failed first in the driver; empty if none did."""
    command = [sys.executable, "tests/scenarios/run.py", "--quiet", "--drivers", driver, "--first", "--at-once", "8"]
    told = subprocess.run(command, check=False, cwd=tree, env=environment, capture_output=True, text=True)
    lines = told.stdout.strip().splitlines()
    if not lines or "passed" not in lines[-1]:
        raise SystemExit(f"the list did not run:\n{told.stdout}{told.stderr}")
    return next((line.removeprefix(f"{driver}: ") for line in lines if line.startswith(f"{driver}: ")), "")


if __name__ == "__main__":
    sys.exit(main())
