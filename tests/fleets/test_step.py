"""`client.step`: turns at stored jobs, and what becomes of them when a worker is killed, frozen or one of two."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis.asyncio

import xiezhen
from conftest import PHOTOS, STYLE, Space, until
from stores import make, postgres_url, redis_url
from xiezhen.stores import Absent, AsyncPostgresStore, AsyncRedisStore, Busy, Claim, Early, Over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUICK = xiezhen.PollSchedule(0.02, 1.2, 0.1)
OPTIONS: dict[str, Any] = {
    "app_code": "simulator-app-code",
    "training_schedule": QUICK,
    "generation_schedule": QUICK,
    "requests_per_second": 100_000.0,
}


@pytest.fixture(params=["redis", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def client(space: Space) -> Iterator[xiezhen.Client]:
    with xiezhen.Client(space.url, **OPTIONS) as client:
        yield client


def new_job(photos: int = 8) -> xiezhen.Job:
    return xiezhen.Job(PHOTOS[:photos], [STYLE])


def to_the_end(client: xiezhen.Client, store: Any, key: str, **how: Any) -> None:
    until(lambda: client.step(store, key, **how) in (None, Over()))


def test_a_job_in_turns(kind: str, name: str, space: Space, client: xiezhen.Client, tmp_path: Path) -> None:
    store = make(kind, name)
    ended: list[tuple[str, str]] = []
    assert client.step(store, "k") == Absent()
    store.put("k", new_job().to_json())
    first = client.step(store, "k", save_to=tmp_path)
    assert isinstance(first, float)
    to_the_end(
        client, store, "k", save_to=lambda key: tmp_path / key, on_done=lambda k, job: ended.append((k, job.stage))
    )
    assert ended == [("k", "done")]
    assert client.step(store, "k") == Over()
    job = xiezhen.Job.from_json(store.get("k"))
    assert job.stage == "done"
    assert all(file.is_file() and file.parent == tmp_path / "k" for file in job.portraits[0].files)
    assert len(space.tasks()) == 2
    assert space.count("upload_file") == 8


@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_a_job_in_turns_of_asyncio(kind: str, name: str, space: Space, tmp_path: Path) -> None:
    ended: list[str] = []

    async def on_done(key: str, job: xiezhen.Job) -> None:
        await asyncio.sleep(0)
        ended.append(job.stage)

    async def turns() -> None:
        if kind == "redis":
            store: Any = AsyncRedisStore(redis.asyncio.Redis.from_url(redis_url()), prefix=name)
        else:
            store = AsyncPostgresStore(lambda: psycopg.AsyncConnection.connect(postgres_url()), table=name)
        photos = [Path(photo).read_bytes() for photo in PHOTOS[:8]]
        await store.put("k", xiezhen.Job(photos, [STYLE]).to_json())
        async with xiezhen.AsyncClient(space.url, **OPTIONS) as client:

            async def given(key: str) -> list[bytes]:
                return photos

            async def turn() -> Any:
                return await client.step(store, "k", save_to=tmp_path, photos=given, on_done=on_done)

            while (await turn()) is not None:
                await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(turns(), 30))
    assert ended == ["done"]
    assert len(space.tasks()) == 2


def test_two_workers_with_one_key(kind: str, name: str, space: Space, client: xiezhen.Client) -> None:
    store = make(kind, name)
    store.put("k", new_job().to_json())
    space.fault(call="upload_file", delay_ms=100)
    turns: list[Any] = []
    workers = [threading.Thread(target=lambda: turns.append(client.step(store, "k"))) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert {type(turn) for turn in turns} == {float, Busy}
    assert space.count("create_user_model") == 1
    assert space.count("upload_file") == 8


def test_photos_are_given_again(kind: str, name: str, space: Space, client: xiezhen.Client) -> None:
    store = make(kind, name)
    photos = [Path(photo).read_bytes() for photo in PHOTOS[:8]]
    store.put("k", xiezhen.Job(photos, [STYLE]).to_json())
    assert client.step(store, "k") == 30.0, "it waits for its photos"
    assert isinstance(store.claim("k"), Early)
    store.wake("k")
    asked: list[str] = []

    def given(key: str) -> dict[int, bytes]:
        asked.append(key)
        return dict(enumerate(photos))

    assert isinstance(client.step(store, "k", photos=given), float)
    to_the_end(client, store, "k", photos=given)
    assert asked == ["k"], "once they are uploaded, nobody asks for them"
    assert len(space.tasks()) == 2


def test_photos_that_nobody_gives_end_a_job(kind: str, name: str, space: Space, client: xiezhen.Client) -> None:
    store = make(kind, name)
    photos = [Path(photo).read_bytes() for photo in PHOTOS[:8]]
    store.put("k", xiezhen.Job(photos, [STYLE]).to_json())
    ended: list[str] = []
    assert client.step(store, "k", on_done=lambda key, job: ended.append(job.stage)) == 30.0
    claim = store.claim("k", reopen=True)
    job = json.loads(claim.json)
    job["training"]["waiting_since"] -= 24 * 60 * 60 * 1000
    store.save(claim, json.dumps(job))
    store.release(claim, 0)
    assert client.step(store, "k", on_done=lambda key, job: ended.append(job.stage)) is None
    assert ended == ["failed"]
    assert store.claim("k") == Over()
    assert xiezhen.Job.from_json(store.get("k")).stage == "failed"
    assert space.tasks() == []


def test_what_is_refused_is_over(kind: str, name: str, space: Space, client: xiezhen.Client) -> None:
    store = make(kind, name)
    store.put("few", new_job(7).to_json())
    store.put("style", xiezhen.Job(PHOTOS[:8], ["no such style"]).to_json())
    store.put("twice", xiezhen.Job(PHOTOS[:8], [STYLE, STYLE]).to_json())
    ended: list[tuple[str, str]] = []
    for key in ("few", "style", "twice"):
        assert client.step(store, key, on_done=lambda key, job: ended.append((key, job.stage))) is None
        assert store.claim(key) == Over()
        assert xiezhen.Job.from_json(store.get(key)).stage == "failed"
    assert ended == [("few", "failed"), ("style", "failed"), ("twice", "failed")]
    assert space.tasks() == []


def test_an_unknown_outcome_waits_one_lease_longer(kind: str, name: str, space: Space, client: xiezhen.Client) -> None:
    store = make(kind, name, lease=0.5)
    store.put("k", new_job().to_json())
    space.fault(call="create_user_model", times=1, close="after")
    told: list[str] = []
    how: dict[str, Any] = {"on_done": lambda *_: told.append("done"), "on_unknown": lambda *_: told.append("unknown")}
    assert client.step(store, "k", **how) == 0.5
    assert store.wake("k"), "a hint of no use"
    assert 0 < client.step(store, "k", **how) <= 0.5
    assert told == []
    until(lambda: client.step(store, "k", **how) is None)
    assert told == ["unknown"]
    assert store.wake("k", "one more of no use")
    assert client.step(store, "k", **how) is None
    assert told == ["unknown"], "once"
    assert store.claim("k") == Over()

    # A person looks it up at the vendor's.
    claim = store.claim("k", reopen=True)
    assert isinstance(claim, Claim)
    job = xiezhen.Job.from_json(claim.json)
    (task,) = space.tasks()
    job.adopt(task["id"], task["user_id"])
    store.save(claim, job.to_json())
    store.release(claim, 0)
    to_the_end(client, store, "k", **how)
    assert told == ["unknown", "done"]
    assert len(space.tasks()) == 2


def test_what_a_function_of_the_user_raises_is_raised(kind: str, name: str, client: xiezhen.Client) -> None:
    store = make(kind, name)
    store.put("k", new_job(7).to_json())

    def on_done(key: str, job: xiezhen.Job) -> None:
        raise RuntimeError("no mail today")

    with pytest.raises(RuntimeError, match="no mail today"):
        client.step(store, "k", on_done=on_done)
    assert isinstance(store.claim("k"), Early), "it is told again"


class Worker:
    """A process that takes turns at one job."""

    def __init__(self, kind: str, name: str, space: Space, folder: Path, lease: float, language: str) -> None:
        program = {"python": [sys.executable, "worker.py"], "node": ["node", "worker.mjs"]}[language]
        command = [program[0], str(Path(__file__).with_name(program[1])), kind, name, space.url, "k", str(folder)]
        command.append(str(lease))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line.strip())

    def says(self, what: str, times: int = 1) -> None:
        until(lambda: sum(line.startswith(what) for line in list(self.said)) >= times)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def ended(self) -> list[str]:
        assert self.process.wait(60) == 0, self.said
        self._reader.join(30)
        return self.said


def kill_at_put(worker: Worker, space: Space) -> None:
    pass


def kill_at_claim(worker: Worker, space: Space) -> None:
    worker.says("claimed")


def kill_between_uploads(worker: Worker, space: Space) -> None:
    worker.says("PhotoUploaded", 3)


def kill_at_intent(worker: Worker, space: Space) -> None:
    worker.says("intent")


def kill_at_create(worker: Worker, space: Space) -> None:
    until(lambda: len(space.tasks()) == 1)


def kill_at_answer(worker: Worker, space: Space) -> None:
    # What is saved after the intent with none open is its answer: to extend a lease saves what was saved last.
    worker.says("intent")
    until(lambda: "saved" in worker.said[worker.said.index("intent") :])


def kill_at_release(worker: Worker, space: Space) -> None:
    worker.says("released")


# When a worker is killed: what holds it up there, how the job ends, and how many tasks there are.
KILLS: dict[str, tuple[Callable[[Worker, Space], None], dict[str, Any], str, int]] = {
    "after put": (kill_at_put, {}, "done", 2),
    "after claim": (kill_at_claim, {"call": "upload_file", "delay_ms": 300, "times": 8}, "done", 2),
    "between uploads": (kill_between_uploads, {"call": "upload_file", "delay_ms": 150, "times": 8}, "done", 2),
    "intent saved": (kill_at_intent, {"call": "create_user_model", "delay_ms": 60_000, "times": 1}, "unknown", 0),
    "create sent": (kill_at_create, {"call": "create_user_model", "answer_delay_ms": 60_000, "times": 1}, "unknown", 1),
    "answer saved": (kill_at_answer, {"call": "query_task", "delay_ms": 500, "times": 1}, "done", 2),
    "after release": (kill_at_release, {"call": "query_task", "delay_ms": 300, "times": 2}, "done", 2),
}


@pytest.mark.parametrize("language", ["python", "node"])
@pytest.mark.parametrize("point", list(KILLS))
def test_killed(point: str, kind: str, language: str, name: str, space: Space, tmp_path: Path) -> None:
    """The table of what each kill ends in, the same in both stores and both languages."""
    reach, fault, end, tasks = KILLS[point]
    store = make(kind, name)
    store.put("k", new_job().to_json())
    if fault:
        space.fault(**fault)
    worker = Worker(kind, name, space, tmp_path, 2, language)
    reach(worker, space)
    worker.kill()
    counted = len(space.tasks())
    said = Worker(kind, name, space, tmp_path, 2, language).ended()
    expected = "unknown k failed" if end == "unknown" else "done k done"
    assert [line for line in said if line.startswith(("done", "unknown"))] == [expected]
    assert len(space.tasks()) == max(tasks, counted if end == "unknown" else tasks)
    assert space.count("create_user_model") == 1 or end == "unknown"
    assert store.claim("k") == Over()


@pytest.mark.parametrize("language", ["python", "node"])
def test_frozen_past_its_lease_with_a_create_in_flight(
    kind: str, language: str, name: str, space: Space, tmp_path: Path
) -> None:
    store = make(kind, name)
    store.put("k", new_job().to_json())
    space.fault(call="create_user_model", answer_delay_ms=1500, times=1)
    frozen = Worker(kind, name, space, tmp_path, 1, language)
    until(lambda: len(space.tasks()) == 1)
    frozen.process.send_signal(signal.SIGSTOP)
    # Somebody else finds the lease run out, and the create's outcome unknown.
    other = Worker(kind, name, space, tmp_path, 4, language)
    other.says("released 4.0")
    frozen.process.send_signal(signal.SIGCONT)
    said = other.ended() + frozen.ended()
    assert [line for line in said if line.startswith(("done", "unknown"))] == ["done k done"]
    assert len(space.tasks()) == 2, "one training, one generation"
