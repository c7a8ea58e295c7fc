"""Servers that are away, too old, or may forget, and answers that are lost on their way."""

from __future__ import annotations

import contextlib
import fcntl
import json
import socketserver
import tempfile
import threading
import time
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

import xiezhen
from conftest import PATIENCE, PHOTOS, STYLE, Space, until
from proxy import Proxy
from stores import claimed, make, plain_job, postgres_url, redis_url, shut
from xiezhen.stores import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_an_answer_that_is_lost_is_asked_for_again(kind: str, name: str) -> None:
    if kind == "postgres-one":
        pytest.skip("a single connection can't be made again")
    proxy = Proxy(redis_url() if kind.startswith("redis") else postgres_url())
    store = make(kind, name, proxy.url)
    other = make(kind, name)
    try:
        store.put("warm", plain_job())
        proxy.lose_next()
        assert store.put("k", plain_job(1)), "it is this very put"
        assert proxy.lost.is_set()
        proxy.lose_next()
        claim = claimed(store, "k")
        assert proxy.lost.is_set()
        assert claim.version == 2, "claimed once"
        proxy.lose_next()
        store.save(claim, plain_job(2))
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
        store.put("k", plain_job())
        claim = claimed(store, "k")
        proxy.go_away()
        with pytest.raises((ConnectionError, redis.ConnectionError, psycopg.OperationalError)):
            store.save(claim, plain_job(1))
    finally:
        proxy.close()
        shut(store)


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
            store.put("k", plain_job())
            store.put("l", plain_job())
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
        assert open_store().put("m", plain_job())


class OldRedis(socketserver.StreamRequestHandler):
    """Says that it is Redis 6.0, and no more."""

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := self.rfile.readline():
                words = []
                for _ in range(int(line[1:])):
                    length = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(length + 2)[:-2].upper())
                said = b"redis_version:6.0.16\r\nloading:0\r\n"
                self.wfile.write(b"$%d\r\n%s\r\n" % (len(said), said) if words[0] == b"INFO" else b"+OK\r\n")


@pytest.mark.parametrize("kind", ["redis", "redis-async", "redis-node"], indirect=True)
def test_a_redis_that_is_too_old_is_refused(kind: str, name: str) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), OldRedis) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        options = "?protocol=2&lib_name=&lib_version=" if kind != "redis-node" else ""
        store = make(kind, name, f"redis://127.0.0.1:{server.server_address[1]}/0{options}")
        try:
            for ask in (lambda: store.put("k", plain_job()), lambda: store.claim("k")):
                with pytest.raises(StoreError, match=r"6\.0\.16 is too old: a fleet needs 6\.2"):
                    ask()
        finally:
            shut(store)
            server.shutdown()


@pytest.mark.parametrize("kind", ["postgres", "postgres-async", "postgres-node"], indirect=True)
def test_a_postgres_that_is_too_old_is_refused(kind: str, name: str) -> None:
    with psycopg.connect(postgres_url()) as connection:
        major = b"%d" % (connection.info.server_version // 10_000)
    # As a connection begins, and as the answer to SHOW: six characters.
    proxy = Proxy(postgres_url(), {before + major: before + b"11" for before in (b"server_version\0", b"\0\0\0\6")})
    store = make(kind, name, proxy.url)
    try:
        with pytest.raises(StoreError, match="PostgreSQL 11 is too old: a fleet needs 12"):
            store.put("k", plain_job())
    finally:
        shut(store)
        proxy.close()


@pytest.fixture
def client(space: Space) -> Iterator[xiezhen.Client]:
    quick = xiezhen.PollSchedule(0.02, 1.2, 0.1)
    with xiezhen.Client(
        space.url, app_code="simulator-app-code", training_schedule=quick, generation_schedule=quick
    ) as client:
        yield client


def in_flight(proxy: Proxy, kind: str, name: str, space: Space, client: xiezhen.Client) -> Future[Any]:
    """A turn whose store goes away while its create is in flight."""
    store = make(kind, name, proxy.url)
    store.put("k", xiezhen.Job(PHOTOS[:8], [STYLE]).to_json())
    space.fault(call="create_user_model", answer_delay_ms=1000, times=1)
    turn = ThreadPoolExecutor(1).submit(client.step, store, "k")
    until(lambda: len(space.tasks()) == 1)
    proxy.go_away()
    return turn


@pytest.mark.parametrize("kind", ["redis", "postgres"], indirect=True)
def test_an_answer_is_offered_to_a_store_that_comes_back(
    kind: str, name: str, space: Space, client: xiezhen.Client
) -> None:
    proxy = Proxy(redis_url() if kind == "redis" else postgres_url())
    try:
        turn = in_flight(proxy, kind, name, space, client)
        # Longer than each attempt takes, shorter than it is offered.
        time.sleep(4)
        assert not turn.done()
        proxy.come_back()
        assert isinstance(turn.result(PATIENCE), float)
        (training,) = [task["id"] for task in space.tasks() if task["kind"] == 1]
        assert json.loads(make(kind, name).get("k"))["training"]["task_id"] == training
    finally:
        proxy.close()


@pytest.mark.parametrize("kind", ["redis", "postgres"], indirect=True)
def test_what_was_billed_is_in_the_log_if_the_store_stays_away(
    kind: str,
    name: str,
    space: Space,
    client: xiezhen.Client,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("xiezhen._step.PATIENCE", 2.0)
    proxy = Proxy(redis_url() if kind == "redis" else postgres_url())
    try:
        turn = in_flight(proxy, kind, name, space, client)
        with pytest.raises((xiezhen.XiezhenError, redis.ConnectionError, psycopg.OperationalError)):
            turn.result(PATIENCE)
        (task,) = space.tasks()
        assert until(lambda: task["id"] in caplog.text)
    finally:
        proxy.close()
