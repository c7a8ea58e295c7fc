"""A fleet that is killed at random while it works, and what may be said of it afterwards."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import xiezhen
from conftest import PHOTOS, STYLE, Space
from stores import make, postgres_url, redis_url
from xiezhen.stores import Claim, Over

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
WORKERS = 4
CONCURRENCY = 4


def new_jobs(client: xiezhen.Client, url: str, count: int) -> Iterator[xiezhen.Job]:
    """Whole jobs of photos that are uploaded, each with an order of its own: so the service tells them apart."""
    uploaded = [client.upload_file(photo) for photo in PHOTOS]
    for paths in itertools.islice(itertools.permutations(uploaded, 8), count):
        job = json.loads(xiezhen.Job(PHOTOS[:8], [STYLE]).to_json())
        job["photos"] = [
            {**photo, "path": None, "uploaded": path} for photo, path in zip(job["photos"], paths, strict=True)
        ]
        job["host"] = urlsplit(url).netloc
        yield xiezhen.Job.from_json(json.dumps(job))


@dataclass
class Fleet:
    """Workers on an engine (`celery`, `bullmq`) with jobs in a store (`redis`, `postgres`)."""

    engine: str
    kind: str
    name: str
    space: Space
    folder: Path
    lease: float = 3.0
    rate: float | None = None
    pool: str = "threads"
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: int = 0

    def __post_init__(self) -> None:
        self.store = make(self.kind, self.name, lease=self.lease)
        self.told = self.folder / "told"
        self.told.touch()

    def start(self) -> None:
        """One more worker."""
        config = {
            "kind": self.kind,
            "name": self.name,
            "url": self.space.url,
            "lease": self.lease,
            "rate": self.rate,
            "told": str(self.told),
            "ready": str(self.folder / "ready"),
            "concurrency": CONCURRENCY,
        }
        environment = os.environ | {"XIEZHEN_FLEET": json.dumps(config)}
        command = ["node", "fleet_worker.mjs"]
        if self.engine == "celery":
            quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
            size = ["--pool", self.pool, "--concurrency", str(CONCURRENCY)]
            number = f"w{len(self.workers)}-{time.monotonic_ns()}@%h"
            command = [sys.executable, "-m", "celery", "-A", "fleet_app", "worker", *quiet, *size, "-n", number]
        with (self.folder / "log").open("ab") as log:
            # In a group of its own: what it has forked dies with it.
            worker = subprocess.Popen(
                command, cwd=HERE, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self.workers.append(worker)

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        os.killpg(worker.pid, 9)
        worker.wait(30)
        self.workers.remove(worker)
        self.kills += 1

    def stop(self) -> None:
        for worker in list(self.workers):
            self.kill(worker)

    def left(self, keys: list[str]) -> list[str]:
        """Those whose rows are not over. Looks at them, and takes no lease."""
        if self.kind == "redis":
            import redis

            pipe: Any = redis.Redis.from_url(redis_url()).pipeline(transaction=False)
            for key in keys:
                pipe.hget(f"{{{self.name}}}:job:{key}", "over")
            return [key for key, over in zip(keys, pipe.execute(), strict=True) if over != b"1"]
        import psycopg

        with psycopg.connect(postgres_url()) as connection:
            over = {key for (key,) in connection.execute(f"SELECT key FROM {self.name} WHERE is_over")}  # type: ignore[arg-type]
        return [key for key in keys if key not in over]

    def work(self, keys: list[str], seconds: float, chance: random.Random | None) -> None:
        """Lets the workers work until every row is over; kills one now and then, and starts another."""
        deadline = time.monotonic() + seconds
        left = keys
        while len(self.workers) < WORKERS:
            self.start()
        while left := self.left(left):
            assert time.monotonic() < deadline, f"{len(left)} of {len(keys)} are not over: {self.log()}"
            time.sleep(chance.uniform(2.0, 5.0) if chance else 0.5)
            if chance and time.monotonic() < deadline - seconds / 2:
                # One that works: killing those that start would only keep all from working.
                ready = [worker for worker in self.workers if (self.folder / f"ready-{worker.pid}").exists()]
                if len(ready) > WORKERS / 2:
                    self.kill(chance.choice(ready))
                    self.start()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3000:]


@dataclass
class Account:
    """What the service was asked for, held against what the store knows."""

    done: int = 0
    unknown: list[str] = field(default_factory=list)
    # Tasks that no row knows, with the key of the job that asked for them.
    orphans: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # Pieces of work that have more than one task.
    doubled: list[object] = field(default_factory=list)


def account(fleet: Fleet, keys: list[str]) -> Account:
    outcome = Account()
    jobs = {key: json.loads(fleet.store.get(key)) for key in keys}
    by_order = {tuple(photo["uploaded"] for photo in job["photos"]): key for key, job in jobs.items()}
    tasks = {task["id"]: task for task in fleet.space.tasks()}
    known = {work["task_id"] for job in jobs.values() for work in [job["training"], *job["portraits"]]}
    pieces: Counter[object] = Counter()
    asked_by: dict[str, str] = {}
    owner: dict[str, str] = {}
    for entry in fleet.space.journal():
        if entry["call"] not in ("create_user_model", "create_task") or not entry["worked"]:
            continue
        body, task = entry["body"], tasks[entry["task_id"]]
        if entry["call"] == "create_user_model":
            key = by_order[tuple(body["img_set"])]
            owner[task["user_id"]] = key
            pieces[("training", key)] += 1
        else:
            key = owner[body["user_id"]]
            pieces[("generation", key, body["style"])] += 1
        asked_by[entry["task_id"]] = key
    outcome.doubled = [piece for piece, count in pieces.items() if count > 1]
    outcome.orphans = [(asked_by[task_id], tasks[task_id]) for task_id in tasks if task_id not in known]
    for key, job in jobs.items():
        works = [job["training"], *job["portraits"]]
        if any(work["intent"] and work["task_id"] is None for work in works):
            outcome.unknown.append(key)
        elif job["stage"] == "done":
            outcome.done += 1
    return outcome


def settle(fleet: Fleet, client: xiezhen.Client, account: Account) -> None:
    """What a person does: adopts what the service has, and has made again what it never had."""
    orphans = dict(account.orphans)
    for key in account.unknown:
        claim = fleet.store.claim(key, reopen=True)
        assert isinstance(claim, Claim), claim
        task = orphans.get(key)
        if task is None:
            fleet.store.release(claim, None)
            turn = client.step(fleet.store, key, recreate=True)
            assert isinstance(turn, float) or turn is None or turn == Over(), turn
            continue
        job = xiezhen.Job.from_json(claim.json)
        job.adopt(task["id"], task["user_id"])
        fleet.store.save(claim, job.to_json())
        fleet.store.release(claim, 0)
