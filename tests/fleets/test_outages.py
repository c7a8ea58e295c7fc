"""Servers that are away, too old, or may forget, and answers that are lost on their way."""

from __future__ import annotations

import fcntl
import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

from proxy import Proxy
from stores import claimed, make, plain_job, postgres_url, redis_url, shut

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
