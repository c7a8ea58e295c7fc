"""Fleets on engines: workers are killed at random, and nothing is paid for twice."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

import xiezhen
from conftest import Space
from fleet import Fleet, account, new_jobs, settle

if TYPE_CHECKING:
    from pathlib import Path

JOBS = int(os.environ.get("JOBS", "300"))
SEED = int(os.environ.get("SEED", "1"))
SECONDS = float(os.environ.get("SECONDS_EACH", "240"))
QUICK = xiezhen.PollSchedule(0.02, 1.2, 0.1)


@pytest.mark.parametrize(("engine", "kind"), [("celery", "postgres"), ("bullmq", "redis")])
def test_a_fleet_under_fire(engine: str, kind: str, name: str, space: Space, tmp_path: Path) -> None:
    client = xiezhen.Client(
        space.url,
        app_code="simulator-app-code",
        requests_per_second=100_000.0,
        training_schedule=QUICK,
        generation_schedule=QUICK,
    )
    fleet = Fleet(engine, kind, name, space, tmp_path)
    # Answers take their time, so that some are killed while they are on their way.
    space.fault(call="create_user_model", answer_delay_ms=40)
    space.fault(call="create_task", answer_delay_ms=40)
    keys = []
    for number, job in enumerate(new_jobs(client, space.url, JOBS)):
        keys.append(f"order {number}")
        assert fleet.store.put(keys[-1], job.to_json())
        assert not fleet.store.put(keys[-1], job.to_json())
    try:
        fleet.work(keys, SECONDS, random.Random(SEED))
        found = account(fleet, keys)
        print(
            f"{engine}/{kind}: {found.done} done, {len(found.unknown)} unknown, {len(found.orphans)} orphans,", end=" "
        )
        print(f"{fleet.kills} kills, {len(space.tasks())} tasks")
        assert found.doubled == []
        assert len(found.orphans) <= len(found.unknown)
        assert found.done + len(found.unknown) == len(keys)

        settle(fleet, client, found)
        fleet.work(keys, SECONDS, None)
        found = account(fleet, keys)
        assert (found.done, found.orphans, found.doubled) == (len(keys), [], [])
        told = [line for line in fleet.told.read_text().splitlines() if line.startswith("done")]
        assert {line.split(" done")[0] for line in told} == {f"done {key}" for key in keys}
    finally:
        fleet.stop()
        client.close()
