"""Who holds a job, and for how long: races, leases that run out, and answers that come late."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import PATIENCE, until
from stores import NodeStore, claimed, plain_job
from xiezhen.stores import Busy, Claim, ConflictError, Over


def test_four_processes_race_for_each_job(kind: str, name: str, store: Any) -> None:
    keys = [f"k{number}" for number in range(60)]
    for key in keys:
        store.put(key, plain_job())
    racer = Path(__file__).with_name("racer.py")
    command = [sys.executable, str(racer), kind, name, str(len(keys))]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in racers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in racers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [json.loads(process.communicate(timeout=PATIENCE)[0]) for process in racers]
    assert sorted(key for keys in won for key in keys) == sorted(keys)


def test_a_lease_runs_out_on_the_clock_of_the_store(open_store: Any) -> None:
    store = open_store(lease=0.4)
    store.put("k", plain_job())
    assert store.due() == ["k"]
    claim = claimed(store, "k")
    for _ in range(4):
        time.sleep(0.2)
        store.save(claim, plain_job())
    assert isinstance(store.claim("k"), Busy), "a save extends it"
    assert until(store.due) == ["k"]
    again = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    with pytest.raises(ConflictError):
        store.save(claim, plain_job())
    store.save(again, plain_job())


def test_who_has_an_old_version_is_told_of_the_newest(store: Any, open_store: Any) -> None:
    lease = open_store(lease=0.2)
    lease.put("k", plain_job(1))
    old = claimed(lease, "k")
    claim = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    store.save(claim, plain_job(2))
    with pytest.raises(ConflictError) as conflict:
        lease.save(old, plain_job(3))
    newest = conflict.value.newest
    assert newest is not None
    assert json.loads(newest.json)["mark"] == 2
    assert newest.version == claim.version
    assert not lease.release(old, None), "it is another's now"

    # An answer that came late, put into the newest: its holder's turn ends, and whoever comes next goes on at once.
    lease.save(newest, plain_job(4))
    with pytest.raises(ConflictError):
        store.save(claim, plain_job(5))
    assert store.due() == ["k"]
    assert json.loads(claimed(store, "k").json)["mark"] == 4


def test_a_late_answer_leaves_a_create_under_way_in_peace(store: Any, open_store: Any) -> None:
    lease = open_store(lease=0.2)
    lease.put("k", plain_job(1))
    old = claimed(lease, "k")
    claim = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    store.save(claim, plain_job(2, open=True))
    with pytest.raises(ConflictError) as conflict:
        lease.save(old, plain_job(3))
    lease.save(conflict.value.newest, plain_job(4, open=True))
    assert isinstance(store.claim("k"), Busy)
    with pytest.raises(ConflictError) as conflict:
        store.save(claim, plain_job(5))
    store.save(conflict.value.newest, plain_job(6))
    assert json.loads(claimed(store, "k").json)["mark"] == 6


def test_a_late_answer_reopens_what_is_over(store: Any) -> None:
    store.put("k", plain_job(1))
    claim = claimed(store, "k")
    late = Claim("k", claim.json, claim.version) if not isinstance(store, NodeStore) else claim
    store.save(claim, plain_job(2, unknown=True))
    store.release(claim, None)
    assert store.claim("k") == Over()
    if late is not claim:
        with pytest.raises(ConflictError) as conflict:
            store.save(late, plain_job(3))
        store.save(conflict.value.newest, plain_job(3))
        assert json.loads(claimed(store, "k").json)["mark"] == 3
