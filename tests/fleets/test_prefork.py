"""Celery's prefork pool: each process has a client of its own, made after the fork; one that dies costs nothing."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

import xiezhen
from conftest import Space, until
from fleet import CONCURRENCY, Fleet, account, new_jobs

if TYPE_CHECKING:
    from pathlib import Path

JOBS = 40


@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_a_client_for_each_process_of_a_pool(kind: str, name: str, space: Space, tmp_path: Path) -> None:
    fleet = Fleet("celery", kind, name, space, tmp_path, pool="prefork")

    def clients() -> dict[int, str]:
        return {int(file.name.rpartition("-")[2]): file.read_text() for file in tmp_path.glob("ready-client-*")}

    try:
        fleet.start()
        (worker,) = fleet.workers
        # Before there is any job.
        until(lambda: len(clients()) == CONCURRENCY and all(clients().values()))
        children = clients()
        assert worker.pid not in children
        assert set(children.values()) == {"before"}

        with xiezhen.Client(space.url, app_code="simulator-app-code", requests_per_second=100_000.0) as client:
            keys = []
            for number, job in enumerate(new_jobs(client, space.url, JOBS)):
                keys.append(f"order {number}")
                fleet.store.put(keys[-1], job.to_json())
        until(lambda: fleet.store.get(keys[0]) and len(space.tasks()) >= JOBS // 2)
        os.kill(next(iter(children)), signal.SIGKILL)
        until(lambda: len(clients()) > CONCURRENCY)
        until(lambda: not fleet.left(keys))
        found = account(fleet, keys)
        assert found.doubled == []
        assert len(found.orphans) <= len(found.unknown) <= 1
        assert found.done + len(found.unknown) == JOBS
    finally:
        fleet.stop()
