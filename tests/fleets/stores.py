"""Every store behind one face, so that one suite is for all: sync, async, and those of the Node package."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import redis
import redis.asyncio

import xiezhen
from xiezhen.stores import (
    Absent,
    AsyncPostgresStore,
    AsyncRedisStore,
    Busy,
    Claim,
    ConflictError,
    Early,
    Over,
    PostgresStore,
    RedisStore,
    StoreError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ["redis", "redis-async", "redis-node", "postgres", "postgres-one", "postgres-async", "postgres-node"]


def redis_url() -> str:
    return os.environ["XIEZHEN_TEST_REDIS"]


def postgres_url() -> str:
    return os.environ["XIEZHEN_TEST_POSTGRES"]


class Blocking:
    """An async store, on a loop of its own."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._store = self._loop.run_until_complete(self._made(make))

    async def _made(self, make: Callable[[], Any]) -> Any:
        return make()

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: self._loop.run_until_complete(getattr(self._store, name)(*args, **more))


class NodeStore:
    """A store of the Node package, in a process of its own."""

    def __init__(self, kind: str, url: str, options: dict[str, Any]) -> None:
        driver = Path(__file__).with_name("store_driver.mjs")
        self._process = subprocess.Popen(
            ["node", str(driver), kind, url, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._numbers: dict[int, int] = {}

    def _ask(self, operation: str, *args: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"operation": operation, "args": args}) + "\n")
        self._process.stdin.flush()
        while "warning" in (answer := json.loads(self._process.stdout.readline())):
            warnings.warn(answer["warning"], RuntimeWarning, stacklevel=3)
        if "value" in answer:
            return answer["value"]
        if answer["error"] == "ConflictError":
            raise ConflictError(self._claim(answer["newest"]))
        if answer["error"] == "StoreError":
            raise StoreError(answer["message"])
        if answer["code"] == "invalid_argument":
            raise xiezhen.InvalidArgumentError(answer["message"])
        raise ConnectionError(answer["message"])

    def _claim(self, claim: dict[str, Any] | None) -> Claim | None:
        if claim is None:
            return None
        known = Claim(
            claim["key"],
            claim["json"],
            claim["version"],
            tuple(claim["woken"]),
            claim["earlyMs"] / 1000,
            claim["late"],
        )
        self._numbers[id(known)] = claim["number"]
        return known

    def put(self, key: str, job: str) -> bool:
        return bool(self._ask("put", key, job))

    def claim(self, key: str, *, reopen: bool = False) -> Claim | Busy | Early | Over | Absent:
        answer = self._ask("claim", key, reopen)
        state = answer["state"]
        if state == "claimed":
            claim = self._claim(answer)
            assert claim is not None
            return claim
        if state in ("busy", "early"):
            return (Busy if state == "busy" else Early)(answer["ms"] / 1000)
        return Over() if state == "over" else Absent()

    def save(self, claim: Claim, job: str) -> None:
        claim.version = self._ask("save", self._numbers[id(claim)], job)["version"]
        claim.json = job

    def release(self, claim: Claim, seconds: float | None) -> bool:
        return bool(self._ask("release", self._numbers[id(claim)], seconds))

    def wake(self, key: str, hint: object = None) -> bool:
        return bool(self._ask("wake", key, hint))

    def due(self, limit: int = 100) -> list[str]:
        keys: list[str] = self._ask("due", limit)
        return keys

    def get(self, key: str) -> str | None:
        job: str | None = self._ask("get", key)
        return job

    def reserve(self, count: int, rate: float) -> tuple[int, int]:
        after, spacing = self._ask("reserve", count, rate)
        return after, spacing

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def make(kind: str, name: str, url: str | None = None, **options: Any) -> Any:
    """A store of that kind; `name` keeps it apart from those of other tests."""
    server, _, way = kind.partition("-")
    url = url or (redis_url() if server == "redis" else postgres_url())
    options |= {"prefix": name} if server == "redis" else {"table": name}
    if way == "node":
        milliseconds = {"lease": "leaseMs", "keep": "keepMs"}
        shown = {milliseconds.get(o, o): v * 1000 if o in milliseconds else v for o, v in options.items()}
        return NodeStore(server, url, shown)
    if kind == "redis":
        return RedisStore(redis.Redis.from_url(url), **options)
    if kind == "redis-async":
        return Blocking(lambda: AsyncRedisStore(redis.asyncio.Redis.from_url(url), **options))
    if kind == "postgres":
        return PostgresStore(lambda: psycopg.connect(url, autocommit=True), **options)
    if kind == "postgres-one":
        return PostgresStore(psycopg.connect(url), **options)
    return Blocking(lambda: AsyncPostgresStore(lambda: psycopg.AsyncConnection.connect(url), **options))


def shut(store: Any) -> None:
    """Ends the process that a store of the Node package has."""
    if isinstance(store, NodeStore):
        store.close()


def plain_job(mark: int = 0, *, open: bool = False, unknown: bool = False) -> str:
    """What stores read of a job."""
    error = {"code": "outcome_unknown"} if unknown else None
    training = {"task_id": None, "intent": open or unknown, "error": error}
    return json.dumps({"mark": mark, "training": training, "portraits": []}, ensure_ascii=False)


def claimed(store: Any, key: str, **how: Any) -> Claim:
    claim = store.claim(key, **how)
    assert isinstance(claim, Claim), claim
    return claim
