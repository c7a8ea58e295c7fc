"""The rate of a fleet, counted at the service, while workers are killed and join."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import xiezhen
from conftest import Space
from fleet import Fleet, account, new_jobs

RATE = 50.0
JOBS = 200


def fullest_second(times: list[int]) -> int:
    """The most calls in any second, wherever it begins."""
    most, first = 0, 0
    for last, time in enumerate(times):
        while time - times[first] >= 1000:
            first += 1
        most = max(most, last - first + 1)
    return most


def processor_times() -> list[int]:
    """Of this machine since its start: user, nice, system, idle and more."""
    return [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]


def idle_since(before: list[int]) -> float:
    """The share of the processors' time that nobody took."""
    passed = [now - then for now, then in zip(processor_times(), before, strict=True)]
    return passed[3] / sum(passed)


@pytest.mark.parametrize(("engine", "kind"), [("celery", "redis"), ("bullmq", "postgres")])
def test_the_rate_of_a_fleet(engine: str, kind: str, name: str, space: Space, tmp_path: Path) -> None:
    fleet = Fleet(engine, kind, name, space, tmp_path, rate=RATE)
    with xiezhen.Client(space.url, app_code="simulator-app-code", requests_per_second=100_000.0) as client:
        jobs = dict(zip((f"order {n}" for n in range(JOBS)), new_jobs(client, space.url, JOBS), strict=False))
    for key, job in jobs.items():
        assert fleet.store.put(key, job.to_json())
    space.control("DELETE", "journal")
    keys = list(jobs)
    before = processor_times()
    try:
        fleet.work(keys, 120, random.Random(2))
    finally:
        fleet.stop()
    idle = idle_since(before)
    times = sorted(entry["at_ms"] for entry in space.journal())
    # While there is work: from when all have begun, to when the last jobs have.
    busy = [time for time in times if times[0] + 4000 <= time <= times[int(len(times) * 0.85)]]
    used = len(busy) / ((busy[-1] - busy[0]) / 1000) / RATE
    print(
        f"{engine}/{kind}: {len(times)} calls, {fullest_second(times)} in the fullest second, {used:.0%} used,", end=" "
    )
    print(f"{fleet.kills} kills, {idle:.0%} idle")
    # Where others have the processors, some calls arrive late, and the next in time: a fleet alone makes no such load.
    is_crowded = os.getloadavg()[0] > 2 * len(os.sched_getaffinity(0))
    assert fullest_second(times) <= RATE * (1.5 if is_crowded else 1.1)
    # A fleet that has no processor can't use its rate.
    assert used >= 0.8 or idle < 0.2
    assert fleet.kills > 0
    assert account(fleet, keys).doubled == []
