"""A hundred whole jobs side by side, through the simulator: ours, and as somebody would write them by hand."""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.places import SIMULATOR
from bench.rounds import Result, Server, Work, tell, work
from bench.table import Row, Section

PHOTOS, STYLES, PICTURES = 10, 2, 3
PEERS = {"Rust": "reqwest", "Python": "httpx", "Node": "undici"}
# Of CPU time and of the memory's growth, beside the peer.
TARGETS = {"Rust": (1.0, 0.5), "Python": (0.15, 0.1), "Node": (0.3, 0.15)}
# What the slowest job may take beyond what the service takes for it.
LATE = 5.0


@dataclass(frozen=True)
class Scale:
    """How many jobs, and what the service takes: mean seconds of a training and of a generation."""

    jobs: int
    training: float
    generation: float


# Seldom enough to be worth waiting for, often enough that what is measured is no start.
WHOLE = Scale(100, 40, 20)
# That they run, and no more.
SMALL = Scale(3, 1, 1)


def measure(rounds: int, scale: Scale = WHOLE, peers: Mapping[str, str] = PEERS) -> Section:
    """A round takes seven minutes: two show whether they agree."""
    said: dict[tuple[str, str], list[Result]] = defaultdict(list)
    rounds = min(rounds, 2)
    for number in range(rounds):
        for face, peer in peers.items():
            for side in ("xiezhen", peer):
                said[face, side].append(one_round(face, side, scale))
            said[face, "check"].append(work("", Work(face, "check", "jobs", scale.jobs, 0)))
        tell(f"jobs: round {number + 1} of {rounds}")
    rows = [row for face, peer in peers.items() for row in of_face(face, peer, said, scale)]
    polls = ", ".join(
        f"{face} {queries(said[face, 'xiezhen'])} and {queries(said[face, peer])}" for face, peer in peers.items()
    )
    about = (
        f"{PHOTOS} photos from disk, {STYLES} styles of {PICTURES} pictures each; a training takes {scale.training:g} "
        f"s, a generation {scale.generation:g} s, ±20 %, and both sides poll every half second. By hand is what "
        "somebody writes in an hour: connections kept, four uploads and downloads at a time, tries again but for "
        "creates; nothing outlasts the process, and no photo is looked at. Ours have a checkpoint each, synced at each "
        "step, and decode every photo before it is sent: the second line leaves out what `check_photos` takes for as "
        "many. Late is what all jobs took together beyond the service's own time for the slowest. "
        f"Queries, ours and theirs: {polls}."
    )
    return Section(f"{scale.jobs} whole jobs side by side", about, rows)


def of_face(face: str, peer: str, said: dict[tuple[str, str], list[Result]], scale: Scale) -> list[Row]:
    ours, theirs, looks = (said[face, side] for side in ("xiezhen", peer, "check"))
    cpu, memory = TARGETS[face]

    def each(results: Sequence[Result], what: str, unit: float) -> list[float]:
        return [result[what] / unit for result in results]

    grown, by_theirs = each(ours, "growth", 1e6), each(theirs, "growth", 1e6)

    def late(results: Sequence[Result]) -> list[float]:
        return [(result["seconds"] / result["service"] - 1) * 100 for result in results]

    a_job = scale.jobs * 1e3
    spent, by_hand = each(ours, "cpu", a_job), each(theirs, "cpu", a_job)
    without = [all_of_it - look for all_of_it, look in zip(spent, each(looks, "cpu", a_job), strict=True)]
    return [
        Row(face, "a whole job, CPU", spent, "ms", peer, by_hand),
        Row(face, "a whole job, CPU without the look at its photos", without, "ms", peer, by_hand, cpu),
        Row(face, "all jobs, memory growth", grown, "MB", peer, by_theirs, memory),
        Row(face, "all jobs, late", late(ours), "%", peer, late(theirs), limit=LATE),
    ]


def queries(results: Sequence[Result]) -> str:
    return f"{sum(result['queries'] for result in results) / len(results):,.0f}"


def one_round(face: str, side: str, scale: Scale) -> Result:
    seconds = ("--training-seconds", str(scale.training), "--generation-seconds", str(scale.generation))
    with tempfile.TemporaryDirectory() as folder, Server(SIMULATOR, *seconds) as simulator:
        result = work(simulator.url, Work(face, side, "jobs", scale.jobs, 0, folder))
        counts: Any = simulator.ask("/_simulator/counts")
        tasks: Any = simulator.ask("/_simulator/tasks")
        pictures = sum(1 for file in Path(folder).rglob("*") if file.suffix in (".jpg", ".png", ".webp"))
    found = {"created": counts["created"], "uploads": counts["uploads"], "pictures": pictures}
    jobs = scale.jobs
    expected = {"created": jobs * (1 + STYLES), "uploads": jobs * PHOTOS, "pictures": jobs * STYLES * PICTURES}
    if found != expected:
        sys.exit(f"{face}, {side}: {found}, not {expected}")
    return result | {"queries": counts["requests"]["query_task"], "service": slowest(tasks)}


def slowest(tasks: Sequence[dict[str, Any]]) -> float:
    """What the service takes for the job that it takes longest for."""
    longest: dict[tuple[str, int], float] = defaultdict(float)
    for task in tasks:
        which = task["user_id"], task["kind"]
        longest[which] = max(longest[which], task["seconds"])
    return max(longest[user, 1] + longest[user, 2] for user in {task["user_id"] for task in tasks})
