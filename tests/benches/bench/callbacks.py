"""Callbacks at no, half and full loss beside polling alone: queries a task, and how soon its end is known."""

import json
import subprocess
import sys
from collections.abc import Sequence
from statistics import mean, median
from typing import Any

from bench.places import SIMULATOR, WORKERS
from bench.rounds import Server, tell
from bench.table import Section

# The usual schedules, in real time.
JOBS, TRAINING, GENERATION = 20, 120.0, 30.0
# What is asked for: name, side, and the share of callbacks that never come.
WAYS = (
    ("polling alone", "polling", 0.0),
    ("callbacks", "callbacks", 0.0),
    ("callbacks, half of them lost", "callbacks", 0.5),
    ("callbacks, all of them lost", "callbacks", 1.0),
)
KINDS = {1: "training", 2: "generation"}


Way = tuple[str, str, float]


def measure(
    jobs: int = JOBS, training: float = TRAINING, generation: float = GENERATION, ways: Sequence[Way] = WAYS
) -> Section:
    """All ways at once: they do little but wait."""
    seconds = ("--training-seconds", str(training), "--generation-seconds", str(generation))
    with Server(SIMULATOR, *seconds) as simulator:
        spaces = [f"/spaces/way{number}" for number in range(len(ways))]
        workers = []
        for space, (_, side, loss) in zip(spaces, ways, strict=True):
            simulator.ask(f"{space}/_simulator/settings", {"callback_loss": loss})
            command = [*WORKERS["Rust"], "callbacks", side, simulator.url + space, str(jobs)]
            workers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        said = [worker.communicate()[0] for worker in workers]
        if any(worker.returncode for worker in workers):
            sys.exit("jobs with callbacks failed")
        lines = [
            line
            for space, (name, _, _), known in zip(spaces, ways, said, strict=True)
            for line in told(simulator, space, name, json.loads(known)["tasks"])
        ]
    tell("callbacks")
    table = ["| | task | queries a task | end known after, mean | median | latest |", "|---|---|---|---|---|---|"]
    about = (
        f"{jobs} jobs of two styles, begun three seconds after each other, in real time and with the usual schedules: "
        f"a training takes {training:g} s, a generation {generation:g} s, ±20 %. Callbacks come in at the embedded "
        "receiver."
    )
    return Section("Callbacks", about, lines=[*table, *lines])


def told(simulator: Server, space: str, name: str, known: list[tuple[str, float]]) -> list[str]:
    tasks: Any = simulator.ask(f"{space}/_simulator/tasks")
    journal: Any = simulator.ask(f"{space}/_simulator/journal")
    asked = [entry["task_id"] for entry in journal if entry["call"] == "query_task"]
    if len(known) != len(tasks):
        sys.exit(f"{name}: {len(known)} of {len(tasks)} tasks are known to have ended")
    after = dict(known)
    lines = []
    for kind, called in KINDS.items():
        those = [task for task in tasks if task["kind"] == kind]
        # What it took to say that it was created is not the service's time.
        late = [max(0.0, after[task["id"]] - task["seconds"]) for task in those]
        queries = mean(asked.count(task["id"]) for task in those)
        lines.append(
            f"| {name} | {called} | {queries:.2f} | {mean(late):.2f} s | {median(late):.2f} s | {max(late):.2f} s |"
        )
    return lines
