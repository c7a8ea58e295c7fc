"""Ten thousand whole jobs that wait for their trainings, in one process of each face: what memory they take."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.places import REPO, SIMULATOR, WORKERS
from bench.rounds import Result, Server, tell
from bench.table import Row, Section

JOBS = 10_000
# Face and side, and what is called.
CALLS = {
    ("Rust", "xiezhen"): "run_many",
    ("C", "xiezhen"): "xiezhen_run_many",
    ("Python", "run_many"): "run_many",
    ("Python", "run"): "run of an AsyncClient each",
    ("Node", "xiezhen"): "run each",
}
KIB_A_JOB, MB_A_PROCESS = 64, 700
# For the C side, which does not look for its own folder.
WITH_PHOTOS = os.environ | {"PHOTOS": str(REPO / "tests/photos")}
# Until all have their training, and until what that took has settled.
PATIENCE, REST = 600.0, 3.0


def measure(jobs: int = JOBS, calls: Mapping[tuple[str, str], str] = CALLS) -> Section:
    """Memory does not depend on the machine's load: once is enough."""
    rows = []
    for (face, side), call in calls.items():
        held = one(face, side, jobs)
        tell(f"waiting jobs: {face}, {call}")
        rows += [
            Row(face, f"{call}, memory of a job that waits", [held["growth"] / jobs / 1024], "KiB", limit=KIB_A_JOB),
            Row(face, f"{call}, all of the process", [held["resident"] / 1e6], "MB", limit=MB_A_PROCESS),
            Row(face, f"{call}, its most until then", [held["peak"] / 1e6], "MB", limit=MB_A_PROCESS),
        ]
    about = (
        "Ten photos that the service has, two styles, a checkpoint each; the usual schedules. Resident memory once all "
        "have their training, without what the process had before its first job; and the most that it ever had."
    )
    return Section(f"{jobs:,} jobs that wait", about, rows)


def one(face: str, side: str, jobs: int) -> Result:
    seconds = ("--training-seconds", "1000000")
    with tempfile.TemporaryDirectory() as folder, Server(SIMULATOR, *seconds) as simulator:
        command = [*WORKERS[face], "waiting", side, simulator.url, str(jobs), folder]
        worker = subprocess.Popen(command, env=WITH_PHOTOS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert worker.stdin
            assert worker.stdout
            if worker.stdout.readline() != "ready\n":
                sys.exit(f"{face}: {side} does not begin")
            before = memory(worker.pid, "VmRSS")
            worker.stdin.write("go\n")
            worker.stdin.flush()
            until_created(simulator, worker, jobs)
            time.sleep(REST)
            resident, peak = (memory(worker.pid, name) for name in ("VmRSS", "VmHWM"))
            known = [json.loads(file.read_text())["training"]["task_id"] for file in Path(folder).glob("*.json")]
            stored = len(known) - known.count(None)
            if stored != jobs:
                sys.exit(f"{face}: {side}: {stored} of {jobs} checkpoints know their training")
        finally:
            worker.kill()
            worker.wait()
    return {"growth": resident - before, "resident": resident, "peak": peak}


def until_created(simulator: Server, worker: "subprocess.Popen[str]", jobs: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while simulator.ask("/_simulator/counts")["created"] < jobs:
        if worker.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"not all jobs came to wait: {simulator.ask('/_simulator/counts')}")
        time.sleep(0.5)


def memory(process: int, name: str) -> int:
    """A line of a process's status, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
