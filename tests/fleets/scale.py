"""What a job of a fleet costs, counted, and what a Redis takes: `make scale`, for the numbers of docs/*/fleets.md.

A job of ten photos and one style, with the usual schedules, in real time: a training of 5 minutes, a generation of one.
Then as many claims, saves and releases a second as this machine makes, Redis and callers on the same processors.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import redis

import xiezhen
from xiezhen.stores import Claim, RedisStore

PHOTOS = sorted((Path(__file__).parents[1] / "photos").glob("*.jpg"))
SECONDS = 8.0
SETTINGS = ("--training-seconds", "300", "--generation-seconds", "60")


class Counted:
    """A store that counts what is asked of it."""

    def __init__(self, store: RedisStore) -> None:
        self._store, self.calls = store, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._store, name)
        if not callable(inner):
            return inner

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return inner(*arguments, **named)

        return call


def connection() -> redis.Redis:
    return redis.Redis.from_url(os.environ["XIEZHEN_TEST_REDIS"])


def one_job(url: str) -> str:
    """Counts, and returns the row as it is at the end."""
    store = Counted(RedisStore(connection(), prefix="counted"))
    client = xiezhen.Client(url, app_code="simulator-app-code")
    store.put("one", xiezhen.Job(PHOTOS, ["仙气十足"]).to_json())
    turns, began = 0, time.monotonic()
    while True:
        store.calls["due"] -= 1  # A pump asks for all jobs at once.
        if store.due():
            turns += 1
            if client.step(store, "one", save_to=os.environ["OUT"]) is None:
                break
        time.sleep(0.25)
    with urllib.request.urlopen(f"{url}/_simulator/counts", timeout=30) as answer:
        requests = json.load(answer)["requests"]
    row = store.get("one") or ""
    operations = sum(count for name, count in store.calls.items() if name in ("claim", "save", "release"))
    print(f"one job in {time.monotonic() - began:.0f} s: requests {requests}, turns {turns}")
    print(f"store: {dict(store.calls)}, {operations} claims, saves and releases; a row of {len(row.encode())} bytes")
    return row


def hammer(arguments: tuple[int, str]) -> int:
    """Turns of one job after the other: claim, two saves, release."""
    number, row = arguments
    store, done, until = RedisStore(connection(), prefix="hammered"), 0, time.monotonic() + SECONDS
    key = f"key-{number}"
    store.put(key, row)
    while time.monotonic() < until:
        claim = store.claim(key)
        assert isinstance(claim, Claim), claim
        store.save(claim, row)
        store.save(claim, row)
        store.release(claim, 0)
        done += 4
    return done


def main() -> None:
    simulator = os.environ["XIEZHEN_SIMULATOR"]
    with subprocess.Popen([simulator, *SETTINGS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        row = one_job(service.stdout.readline().strip())
        service.terminate()
    for processes in (1, 4):
        with ProcessPoolExecutor(processes) as pool:
            done = sum(pool.map(hammer, [(number, row) for number in range(processes)]))
        print(f"Redis, appendfsync everysec, {processes} callers: {done / SECONDS:,.0f} operations a second")


if __name__ == "__main__":
    main()
