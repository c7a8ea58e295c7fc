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
    environment = os.environ | {"CARGO_TARGET_DIR": str(asked.folder / "target")}
    build = ["cargo", "build", "--quiet", "--package", "xiezhen-scenarios"]
    subprocess.run(build, cwd=tree, env=environment, check=True)
    # The service has no defect, so it need not be built again.
    shutil.copy(TARGET / "xiezhen-simulator", asked.folder / "target" / "debug")
    if failures(tree, environment):
        raise SystemExit("the list fails without any defect")

    missed = 0
    for one in defects:
        path = tree / "core" / "src" / one["file"]
        sound = path.read_text("utf-8")
        if sound.count(one["from"]) != 1:
            raise SystemExit(f"{one['defect']}: {one['file']} has its text {sound.count(one['from'])} times, not once")
        path.write_text(sound.replace(one["from"], one["to"]), "utf-8")
        try:
            subprocess.run(build, cwd=tree, env=environment, check=True, stderr=subprocess.DEVNULL)
            caught = failures(tree, environment)
        finally:
            path.write_text(sound, "utf-8")
        missed += not caught
        verdict = f"caught by {caught} scenarios" if caught else "MISSED"
        print(f"{one['defect']}: {verdict}", flush=True)
    print(f"{len(defects) - missed} passed, {missed} failed")
    return 1 if missed else 0


def copy_of_head(tree: Path) -> None:
    """What is committed. Files that are the same keep their times, so that little is built anew."""
    tree.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for entry in filter(tarfile.TarInfo.isfile, files):
            content, path = files.extractfile(entry).read(), tree / entry.name  # type: ignore[union-attr]
            if not path.is_file() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def failures(tree: Path, environment: dict[str, str]) -> int:
    """How many scenarios fail in the Rust face."""
    command = [sys.executable, "tests/scenarios/run.py", "--quiet", "--faces", "rust"]
    told = subprocess.run(command, check=False, cwd=tree, env=environment, capture_output=True, text=True)
    last = told.stdout.strip().splitlines()[-1] if told.stdout.strip() else ""
    if "passed" not in last:
        raise SystemExit(f"the list did not run:\n{told.stdout}{told.stderr}")
    return int(last.split(", ")[1].split()[0])


if __name__ == "__main__":
    sys.exit(main())
