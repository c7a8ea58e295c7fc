"""Deliberate defects: in each, the tests named must fail. Scripts, turns and the core are changed in a copy."""

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
ROOT = HERE.parents[1]
PACKAGE = Path(xiezhen.__file__).parent


class Mutant(NamedTuple):
    what: str
    file: str
    before: str
    after: str
    caught_by: str


# Scripts and statements are texts of the compiled module: a mutant changes them as they are loaded.
REDIS = ("stores/_redis.py", "_store_texts()[0].items()")
CONTRACT = "test_stores.py test_leases.py test_due.py"
POSTGRES = ("stores/_postgres.py", "_store_texts()[1]")


def in_a_script(what: str, before: str, after: str, caught_by: str) -> Mutant:
    file, texts = REDIS
    changed = f"[(n, s.replace({before!r}, {after!r})) for n, s in {texts}]"
    return Mutant(f"{what} (Redis)", file, texts, changed, f"{CONTRACT} -k 'redis and {caught_by} and not node'")


def in_a_statement(what: str, before: str, after: str, caught_by: str) -> Mutant:
    file, texts = POSTGRES
    changed = f"{{n: s.replace({before!r}, {after!r}) for n, s in {texts}.items()}}"
    caught_by = f"{CONTRACT} -k 'postgres and {caught_by} and not node'"
    return Mutant(f"{what} (PostgreSQL)", file, texts, changed, caught_by)


MUTANTS = [
    in_a_script("skip the version check", "version ~= expected", "false", "old_version"),
    in_a_statement("skip the version check", "row.version = $4::bigint THEN", "true THEN", "old_version"),
    in_a_script("release with an open intent", "row.open == '1'", "false", "open_intent"),
    in_a_statement("release with an open intent", "WHEN row.is_open THEN", "WHEN false THEN", "open_intent"),
    in_a_script("claim what is over", "over and ARGV[4] ~= '1'", "false", "stays_over"),
    in_a_statement("claim what is over", "row.is_over AND NOT $4::boolean", "false", "stays_over"),
    Mutant(
        "drop the merge: a conflict is an error like any other",
        "_step.py",
        "            self.claim = error.newest\n",
        "            error.newest = None\n",
        "test_step.py -k 'frozen and redis and python'",
    ),
    Mutant(
        "an unknown outcome is told at once",
        "_step.py",
        "        if not self.was_unknown:\n            return End(None, self.lease)\n",
        "",
        "test_step.py -k 'lease_longer and redis'",
    ),
    Mutant(
        "nobody waits until an intent is durable",
        "stores/_redis.py",
        "return self._wait if durable else None",
        "return None",
        "test_durable.py -k 'not_on_disk and not node'",
    ),
]

# Of the core, whose own tests catch it.
PERMIT = "        let request = self.session.transport.permit(request).await?;\n"
CORE = [
    Mutant(
        "intent before permit",
        "core/src/job/runner.rs",
        "        let noted = self.save_in_turn().await;\n        if noted.is_err() || caller.is_gone() {",
        "        let noted = self.save_in_turn().await;\n" + PERMIT + "        if noted.is_err() || caller.is_gone() {",
        "conflict::",
    ),
]


def change(folder: Path, mutant: Mutant) -> None:
    target = folder / mutant.file
    source = target.read_text(encoding="utf-8")
    assert source.count(mutant.before) >= 1, mutant.what
    target.write_text(source.replace(mutant.before, mutant.after), encoding="utf-8")


def verdict(mutant: Mutant, tests: subprocess.CompletedProcess[str], failed: int) -> bool:
    # Anything else means that they could not run.
    survives = tests.returncode != failed
    print(f"{'survives' if survives else 'caught'}: {mutant.what}", flush=True)
    if survives:
        print(tests.stdout[-2000:], tests.stderr[-2000:])
    return survives


def survives(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PACKAGE, Path(folder) / "xiezhen")
        change(Path(folder) / "xiezhen", mutant)
        command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {mutant.caught_by}"
        environment = os.environ | {"PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
        tests = subprocess.run(command, shell=True, cwd=HERE, env=environment, capture_output=True, text=True)
        return verdict(mutant, tests, failed=1)


def survives_in_the_core(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in listed.splitlines():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
        change(tree, mutant)
        # The permit is taken where the mutant says, and nowhere before.
        runner = tree / mutant.file
        runner.write_text(runner.read_text().replace(PERMIT, "", 1))
        environment = os.environ | {
            "CARGO_TARGET_DIR": str(ROOT / "target" / "mutants"),
            "CARGO_PROFILE_DEV_DEBUG": "0",
        }
        cargo = ["cargo", "test", "--quiet", "--package", "xiezhen", "--test", "suite", "--features", "cli,process"]
        built = subprocess.run([*cargo, "--no-run"], cwd=tree, env=environment, capture_output=True, text=True)
        if built.returncode != 0:
            return verdict(mutant, built, failed=101 + 1)
        tests = subprocess.run(
            [*cargo, "--", mutant.caught_by], cwd=tree, env=environment, capture_output=True, text=True
        )
        return verdict(mutant, tests, failed=101)


if __name__ == "__main__":
    sys.exit(any([*map(survives, MUTANTS), *map(survives_in_the_core, CORE)]))
