#!/usr/bin/env python3
"""Tries deliberate defects on the core, one after another in a copy of the tree: each must fail a scenario.

    mutants.py [--only TEXT] [--folder FOLDER]

The Rust face is enough: what a defect of the core does, it does in every language.
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="defects with this in their names")
    parser.add_argument(
        "--folder", default=Path(tempfile.gettempdir()) / "xiezhen-mutants", type=Path, help="for the copy"
    )
    asked = parser.parse_args()
    defects = [one for one in json.loads((HERE / "mutants.json").read_text("utf-8")) if asked.only in one["defect"]]
    tree = asked.folder / "tree"
    copy_of_head(tree)
    # Nobody debugs a mutant: only the core is built again, and linked in a moment.
    environment = os.environ | {"CARGO_TARGET_DIR": str(asked.folder / "target"), "CARGO_PROFILE_DEV_DEBUG": "0"}
    build = ["cargo", "build", "--quiet", "--package", "xiezhen-scenarios"]
    subprocess.run(build, cwd=tree, env=environment, check=True)
    # The service has no defect, so it need not be built again.
    shutil.copy(TARGET / "xiezhen-simulator", asked.folder / "target" / "debug")
    broken = first_failure(tree, environment)
    if broken:
        raise SystemExit(f"the list fails without any defect: {broken}")

    missed = 0
    for one in defects:
        path = tree / "core" / "src" / one["file"]
        sound = path.read_text("utf-8")
        if sound.count(one["from"]) != 1:
            raise SystemExit(f"{one['defect']}: {one['file']} has its text {sound.count(one['from'])} times, not once")
        path.write_text(sound.replace(one["from"], one["to"]), "utf-8")
        try:
            built = subprocess.run(build, cwd=tree, env=environment, check=False, capture_output=True, text=True)
            if built.returncode:
                raise SystemExit(f"{one['defect']}: does not build:\n{built.stderr}")
            caught = first_failure(tree, environment)
        finally:
            path.write_text(sound, "utf-8")
        missed += not caught
        verdict = f"caught by {caught!r}" if caught else "MISSED"
        print(f"{one['defect']}: {verdict}", flush=True)
    print(f"{len(defects) - missed} passed, {missed} failed")
    return 1 if missed else 0


def copy_of_head(tree: Path) -> None:
    """What is committed. Files that are the same keep their times, so that little is built anew."""
    tree.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        entries = list(filter(tarfile.TarInfo.isfile, files))
        gone = {path for path in tree.rglob("*") if path.is_file()} - {tree / entry.name for entry in entries}
        for path in gone:
            path.unlink()
        for entry in entries:
            content, path = files.extractfile(entry).read(), tree / entry.name  # type: ignore[union-attr]
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def first_failure(tree: Path, environment: dict[str, str]) -> str:
    """The scenario that failed first in the Rust face; empty if none did."""
    command = [sys.executable, "tests/scenarios/run.py", "--quiet", "--faces", "rust", "--first", "--at-once", "8"]
    told = subprocess.run(command, check=False, cwd=tree, env=environment, capture_output=True, text=True)
    lines = told.stdout.strip().splitlines()
    if not lines or "passed" not in lines[-1]:
        raise SystemExit(f"the list did not run:\n{told.stdout}{told.stderr}")
    return next((line.removeprefix("rust: ") for line in lines if line.startswith("rust: ")), "")


if __name__ == "__main__":
    sys.exit(main())
