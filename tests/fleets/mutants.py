"""Deliberate defects: in each, the tests named must fail. The stores' scripts and the turns are changed in a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import xiezhen

HERE = Path(__file__).parent
PACKAGE = Path(xiezhen.__file__).parent


class Mutant(NamedTuple):
    what: str
    file: str
    before: str
    after: str
    caught_by: str


# Scripts and statements are texts of the compiled module: a mutant changes them as they are loaded.
REDIS = "stores/_redis.py"
POSTGRES = "stores/_postgres.py"
LUA = "for name, script in _store_texts()[0].items()"
SQL = "_STATEMENTS = _store_texts()[1]"

MUTANTS = [
    Mutant(
        "skip the version check (Redis)",
        REDIS,
        LUA,
        "for name, script in ((n, s.replace('version ~= expected', 'false')) for n, s in _store_texts()[0].items())",
        "test_stores.py -k 'redis and old_version and not node'",
    ),
    Mutant(
        "skip the version check (PostgreSQL)",
        POSTGRES,
        SQL,
        "_STATEMENTS = {n: s.replace('row.version = $4::bigint THEN', 'true THEN') for n, s in _store_texts()[1].items()}",
        "test_stores.py -k 'postgres and old_version and not node'",
    ),
    Mutant(
        "release with an open intent (Redis)",
        REDIS,
        LUA,
        "for name, script in ((n, s.replace(\"row.open == '1'\", 'false')) for n, s in _store_texts()[0].items())",
        "test_stores.py -k 'redis and open_intent and not node'",
    ),
    Mutant(
        "release with an open intent (PostgreSQL)",
        POSTGRES,
        SQL,
        "_STATEMENTS = {n: s.replace('WHEN row.is_open THEN', 'WHEN false THEN') for n, s in _store_texts()[1].items()}",
        "test_stores.py -k 'postgres and open_intent and not node'",
    ),
    Mutant(
        "drop the merge: a conflict is an error like any other",
        "_step.py",
        "            self.claim = error.newest\n",
        "            error.newest = None\n",
        "test_step.py -k 'frozen and redis'",
    ),
    Mutant(
        "claim what is over",
        REDIS,
        LUA,
        "for name, script in ((n, s.replace(\"over and ARGV[4] ~= '1'\", 'false')) for n, s in _store_texts()[0].items())",
        "test_stores.py -k 'redis and stays_over and not node'",
    ),
    Mutant(
        "an unknown outcome is told at once",
        "_step.py",
        "        if not self.was_unknown:\n            return End(None, self.lease)\n",
        "",
        "test_step.py -k 'frozen and redis'",
    ),
]


def survives(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "xiezhen"
        shutil.copytree(PACKAGE, copy)
        target = copy / mutant.file
        source = target.read_text(encoding="utf-8")
        assert mutant.before in source, mutant.what
        target.write_text(source.replace(mutant.before, mutant.after), encoding="utf-8")
        command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {mutant.caught_by}"
        path = f"{folder}:{os.environ.get('PYTHONPATH', '')}"
        tests = subprocess.run(
            command, shell=True, cwd=HERE, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
        )
        # 1: tests have failed; anything else means that they could not run.
        print(f"{'survives' if tests.returncode != 1 else 'caught'}: {mutant.what}")
        if tests.returncode != 1:
            print(tests.stdout[-2000:])
        return tests.returncode != 1


if __name__ == "__main__":
    sys.exit(any([survives(mutant) for mutant in MUTANTS]))
