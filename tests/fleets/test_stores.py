"""The contract of docs/design.md §10, for every store, in both languages, against real servers."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

import xiezhen
from proxy import Proxy
from stores import KINDS, NodeStore, make, postgres_url, redis_url, shut
from xiezhen.stores import Absent, Busy, Claim, ConflictError, Early, Over, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30.0


def job(mark: int = 0, *, open: bool = False, unknown: bool = False) -> str:
    """What stores read of a job."""
    error = {"code": "outcome_unknown"} if unknown else None
    training = {"task_id": None, "intent": open or unknown, "error": error}
    return json.dumps({"mark": mark, "training": training, "portraits": []}, ensure_ascii=False)


@pytest.fixture
def name() -> str:
    return f"t_{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def open_store(kind: str, name: str) -> Iterator[Callable[..., Any]]:
    opened = []

    def open_store(**options: Any) -> Any:
        opened.append(make(kind, name, **options))
        return opened[-1]

    yield open_store
    for store in opened:
        shut(store)


@pytest.fixture
def store(open_store: Callable[..., Any]) -> Any:
    return open_store()


def claimed(store: Any, key: str, **how: Any) -> Claim:
    claim = store.claim(key, **how)
    assert isinstance(claim, Claim), claim
    return claim


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_a_job_is_put_once(store: Any) -> None:
    assert store.put("照 片/1:é", job(1))
    assert not store.put("照 片/1:é", job(2))
    assert json.loads(store.get("照 片/1:é"))["mark"] == 1
    assert store.get("other") is None


def test_what_can_be_no_key_is_refused(store: Any) -> None:
    for key in ("", "k" * 201, "a\nb"):
        for refuse in (lambda k: store.put(k, job()), store.claim, store.get, store.wake):
            with pytest.raises(xiezhen.InvalidArgumentError, match="key"):
                refuse(key)


def test_a_claim_is_held_saved_and_released(store: Any) -> None:
    assert store.claim("k") == Absent()
    store.put("k", job(1))
    claim = claimed(store, "k")
    assert json.loads(claim.json)["mark"] == 1
    assert claim.woken == ()
    busy = store.claim("k")
    assert isinstance(busy, Busy)
    assert 100 < busy.seconds <= 120
    before = claim.version
    store.save(claim, job(2))
    assert claim.version > before
    store.save(claim, job(3))
    assert json.loads(store.get("k"))["mark"] == 3
    assert store.release(claim, 50)
    early = store.claim("k")
    assert isinstance(early, Early)
    assert 40 < early.seconds <= 50
    assert store.wake("k")
    claim = claimed(store, "k")
    assert 40 < claim.early <= 50
    assert store.release(claim, None)
    assert store.claim("k") == Over()
    assert store.due() == []


def test_who_has_an_old_version_is_told_of_the_newest(store: Any, open_store: Any) -> None:
    lease = open_store(lease=0.2)
    lease.put("k", job(1))
    old = claimed(lease, "k")
    claim = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    store.save(claim, job(2))
    with pytest.raises(ConflictError) as conflict:
        lease.save(old, job(3))
    newest = conflict.value.newest
    assert newest is not None
    assert json.loads(newest.json)["mark"] == 2
    assert newest.version == claim.version
    assert not lease.release(old, None), "it is another's now"

    # An answer that came late, put into the newest: its holder's turn ends, and whoever comes next goes on at once.
    lease.save(newest, job(4))
    with pytest.raises(ConflictError):
        store.save(claim, job(5))
    assert store.due() == ["k"]
    assert json.loads(claimed(store, "k").json)["mark"] == 4


def test_a_late_answer_leaves_a_create_under_way_in_peace(store: Any, open_store: Any) -> None:
    lease = open_store(lease=0.2)
    lease.put("k", job(1))
    old = claimed(lease, "k")
    claim = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    store.save(claim, job(2, open=True))
    with pytest.raises(ConflictError) as conflict:
        lease.save(old, job(3))
    lease.save(conflict.value.newest, job(4, open=True))
    assert isinstance(store.claim("k"), Busy)
    with pytest.raises(ConflictError) as conflict:
        store.save(claim, job(5))
    store.save(conflict.value.newest, job(6))
    assert json.loads(claimed(store, "k").json)["mark"] == 6


def test_a_late_answer_reopens_what_is_over(store: Any) -> None:
    store.put("k", job(1))
    claim = claimed(store, "k")
    late = Claim("k", claim.json, claim.version) if not isinstance(store, NodeStore) else claim
    store.save(claim, job(2, unknown=True))
    store.release(claim, None)
    assert store.claim("k") == Over()
    if late is not claim:
        with pytest.raises(ConflictError) as conflict:
            store.save(late, job(3))
        store.save(conflict.value.newest, job(3))
        assert json.loads(claimed(store, "k").json)["mark"] == 3


def test_an_open_intent_is_not_released(open_store: Any) -> None:
    store = open_store(lease=0.5)
    store.put("k", job())
    claim = claimed(store, "k")
    store.save(claim, job(open=True))
    assert not store.release(claim, 0)
    assert not store.release(claim, None)
    assert isinstance(store.claim("k"), Busy)
    again = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    store.save(again, job(unknown=True))
    assert store.release(again, None)


def test_a_wake_is_remembered_while_the_job_is_held(store: Any) -> None:
    store.put("k", job())
    claim = claimed(store, "k")
    assert store.wake("k", "first")
    assert store.wake("k")
    assert isinstance(store.claim("k"), Busy)
    assert store.release(claim, 100)
    claim = claimed(store, "k")
    assert claim.woken == ("first", None)
    assert store.wake("k", '{"third": 3}')
    assert store.release(claim, 100)
    claim = claimed(store, "k")
    assert claim.woken == ('{"third": 3}',), "what was told is done with"
    assert store.release(claim, 100)
    assert isinstance(store.claim("k"), Early)


def test_hints_outlast_a_holder_that_dies_and_are_bounded(open_store: Any) -> None:
    store = open_store(lease=0.2)
    store.put("k", job())
    for number in range(20):
        store.wake("k", str(number))
    assert claimed(store, "k").woken == tuple(str(number) for number in range(4, 20))
    again = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    assert again.woken[-1] == "19"
    store.wake("k", "20")
    assert store.release(again, 100)
    assert claimed(store, "k").woken == ("20",)


def test_what_is_over_stays_over(store: Any) -> None:
    assert not store.wake("k")
    store.put("k", job())
    claim = claimed(store, "k")
    store.wake("k", "meanwhile")
    store.release(claim, None)
    assert not store.wake("k", "late")
    assert store.claim("k") == Over()
    assert isinstance(store.claim("k", reopen=True), Claim)


def test_a_hint_takes_up_what_ended_unknown(store: Any) -> None:
    store.put("k", job())
    claim = claimed(store, "k")
    store.save(claim, job(unknown=True))
    store.release(claim, None)
    assert not store.wake("k")
    assert store.wake("k", "task 7")
    assert store.due() == ["k"]
    assert claimed(store, "k").woken == ("task 7",)


def test_what_is_due_is_given_to_one_caller(open_store: Any) -> None:
    store, other = open_store(lease=0.7), open_store(lease=0.7)
    keys = [f"k{number}" for number in range(5)]
    for key in keys:
        store.put(key, job())
    first = store.due(3)
    assert len(first) == 3
    second = other.due()
    assert sorted(first + second) == keys
    assert store.due() == []
    again: list[str] = []
    until(lambda: again.extend(store.due()) or len(again) >= len(keys))
    assert sorted(again) == keys, "again, if nothing came of it"
    for key in keys:
        store.release(claimed(store, key), 100)
    assert store.due() == []


def test_a_lease_runs_out_on_the_clock_of_the_store(open_store: Any) -> None:
    store = open_store(lease=0.4)
    store.put("k", job())
    assert store.due() == ["k"]
    claim = claimed(store, "k")
    for _ in range(4):
        time.sleep(0.2)
        store.save(claim, job())
    assert isinstance(store.claim("k"), Busy), "a save extends it"
    assert until(store.due) == ["k"]
    again = until(lambda: isinstance(claim := store.claim("k"), Claim) and claim)
    with pytest.raises(ConflictError):
        store.save(claim, job())
    store.save(again, job())


def test_four_processes_race_for_each_job(kind: str, name: str, store: Any) -> None:
    keys = [f"k{number}" for number in range(60)]
    for key in keys:
        store.put(key, job())
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


def test_an_answer_that_is_lost_is_asked_for_again(kind: str, name: str) -> None:
    if kind == "postgres-one":
        pytest.skip("a single connection can't be made again")
    proxy = Proxy(redis_url() if kind.startswith("redis") else postgres_url())
    store = make(kind, name, proxy.url)
    other = make(kind, name)
    try:
        store.put("warm", job())
        proxy.lose_next()
        assert store.put("k", job(1)), "it is this very put"
        assert proxy.lost.is_set()
        proxy.lose_next()
        claim = claimed(store, "k")
        assert proxy.lost.is_set()
        assert claim.version == 2, "claimed once"
        proxy.lose_next()
        store.save(claim, job(2))
        assert proxy.lost.is_set()
        assert claim.version == 3, "saved once"
        assert json.loads(other.get("k"))["mark"] == 2
        proxy.lose_next()
        assert store.release(claim, 0)
    finally:
        proxy.close()
        for one in (store, other):
            shut(one)


def test_a_store_that_is_away_says_so(kind: str, name: str) -> None:
    proxy = Proxy(redis_url() if kind.startswith("redis") else postgres_url())
    store = make(kind, name, proxy.url)
    try:
        store.put("k", job())
        claim = claimed(store, "k")
        proxy.go_away()
        with pytest.raises((ConnectionError, redis.ConnectionError, psycopg.OperationalError)):
            store.save(claim, job(1))
    finally:
        proxy.close()
        shut(store)


def test_permits_are_given_once(store: Any, open_store: Any) -> None:
    other = open_store()
    start = time.monotonic()
    given = []
    for _ in range(5):
        for one in (store, other):
            now = (time.monotonic() - start) * 1e6
            after, spacing = one.reserve(2, 50)
            assert abs(spacing - 20_000) <= 1
            given += [now + after, now + after + spacing]
    # Whoever asks: 20 ms apart, but for what the questions take.
    assert given[-1] - given[0] >= 19 * 20_000 - 15_000


@pytest.fixture
def settings_alone() -> Iterator[None]:
    """Nobody else changes the settings of the one server meanwhile."""
    port = redis_url().rpartition(":")[2].partition("/")[0]
    with (Path(tempfile.gettempdir()) / f"xiezhen-redis-{port}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("kind", ["redis", "redis-async", "redis-node"], indirect=True)
def test_a_redis_that_may_forget_is_warned_of(open_store: Any, settings_alone: None) -> None:
    server = redis.Redis.from_url(redis_url())
    server.config_set("appendonly", "no")
    server.config_set("maxmemory-policy", "allkeys-lru")
    try:
        store = open_store()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            store.put("k", job())
            store.put("l", job())
        # Connections of other tests may be collected at this moment: Python warns of those, too.
        texts = [str(warning.message) for warning in told if warning.category is not ResourceWarning]
        assert any("appendonly" in text for text in texts)
        assert any("allkeys-lru" in text for text in texts)
        assert len(texts) == 2, "once"
    finally:
        server.config_set("maxmemory-policy", "noeviction")
        server.config_set("appendonly", "yes")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ResourceWarning)
        assert open_store().put("m", job())


@pytest.mark.parametrize("kind", ["redis", "redis-async", "redis-node"], indirect=True)
def test_an_intent_that_no_replica_has_is_refused(open_store: Any) -> None:
    store = open_store()
    store.put("k", job())
    claim = claimed(store, "k")
    store.release(claim, 0)
    careful = open_store(replicas=1)
    claim = claimed(careful, "k")
    careful.save(claim, job())
    with pytest.raises(StoreError, match="durable"):
        careful.save(claim, job(open=True))


@pytest.mark.parametrize("kind", ["postgres", "postgres-async", "postgres-node"], indirect=True)
def test_a_save_is_on_disk_whatever_the_connection_says(kind: str, name: str) -> None:
    store = make(kind, name, postgres_url() + "?options=-csynchronous_commit%3Doff")
    with psycopg.connect(postgres_url(), autocommit=True) as watcher:
        store.put("k", job())
        claim = claimed(store, "k")
        for number in range(20):
            store.save(claim, job(number, open=True))
            row = watcher.execute("SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()").fetchone()
            assert row == (True,)
    shut(store)


def test_a_connection_in_a_transaction_is_refused(name: str) -> None:
    from xiezhen.stores import PostgresStore

    connection = psycopg.connect(postgres_url())
    store = PostgresStore(connection, table=name)
    store.put("k", job())
    connection.execute("SELECT 1")
    with pytest.raises(StoreError, match="transaction"):
        store.claim("k")


def test_a_fleet_may_mix_languages(name: str, kind: str) -> None:
    """Rows of one language are the other's."""
    server = kind.split("-")[0]
    store, other = make(kind, name), make(f"{server}-node", name)
    try:
        store.put("k", job(1))
        claim = claimed(other, "k")
        other.save(claim, job(2))
        store.wake("k", "hint")
        other.release(claim, 100)
        claim = claimed(store, "k")
        assert (json.loads(claim.json)["mark"], claim.woken) == (2, ("hint",))
    finally:
        for one in (store, other):
            shut(one)
