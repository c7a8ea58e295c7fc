"""`run_many`: a list or a mapping of jobs on one rate limit, each resumable."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

import xiezhen
from conftest import Space, options, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def run_many(space: Space, awaited: bool, jobs: Any, **more: Any) -> Any:
    """The same call of either client."""
    if not awaited:
        with xiezhen.Client(space.url, **options()) as client:
            return client.run_many(jobs, **more)

    async def main() -> Any:
        async with xiezhen.AsyncClient(space.url, **options()) as client:
            return await client.run_many(jobs, **more)

    return asyncio.run(main())


@pytest.fixture
def styles(client: xiezhen.Client) -> list[str]:
    return [style.style for style in client.list_styles()]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_list(space: Space, trained: str, styles: list[str], tmp_path: Path, awaited: bool) -> None:
    jobs = [xiezhen.Job(styles=[style], user_id=trained) for style in styles[:3]]
    seen: list[tuple[int, str]] = []
    ended: list[tuple[int, object]] = []
    outcomes = run_many(
        space,
        awaited,
        jobs,
        save_to=tmp_path / "out",
        checkpoints=tmp_path / "jobs",
        on_event=lambda index, event: seen.append((index, event.type)),
        on_end=lambda index, outcome: ended.append((index, outcome)),
        concurrency=2,
    )
    assert outcomes == jobs
    assert all(job.stage == "done" and len(job.portraits[0].files) == 3 for job in jobs)
    assert {index for index, kind in seen if kind == "finished"} == {0, 1, 2}
    assert sorted(ended, key=lambda one: one[0]) == list(enumerate(jobs))
    assert len(list((tmp_path / "jobs").glob("*.json"))) == 3
    creates = space.count("create_task")
    again = [xiezhen.Job(styles=[style], user_id=trained) for style in styles[:3]]
    assert [job.stage for job in run_many(space, awaited, again, checkpoints=tmp_path / "jobs")] == ["done"] * 3
    assert space.count("create_task") == creates


@pytest.mark.parametrize("awaited", [False, True])
def test_a_mapping_in_which_one_fails(
    space: Space, trained: str, styles: list[str], tmp_path: Path, awaited: bool
) -> None:
    jobs = {
        "order-1": xiezhen.Job(styles=styles[:1], user_id=trained),
        "order-2": xiezhen.Job([tmp_path / "missing.jpg"] * 8, styles[:1]),
    }
    seen: set[str] = set()
    ended: dict[str, object] = {}
    outcomes = run_many(
        space,
        awaited,
        jobs,
        save_to=tmp_path,
        checkpoints=tmp_path / "jobs",
        on_event=lambda key, event: seen.add(key),
        on_end=ended.__setitem__,
    )
    assert outcomes["order-1"] is jobs["order-1"]
    assert isinstance(outcomes["order-2"], xiezhen.InvalidArgumentError)
    assert ended == outcomes
    assert list(outcomes) == ["order-1", "order-2"]
    assert "order-1" in seen
    assert (tmp_path / "jobs" / "order-1.json").exists()
    assert len(list((tmp_path / "order-1").glob("*"))) == 3


@pytest.mark.parametrize("awaited", [False, True])
def test_two_jobs_of_one_identity_are_refused(space: Space, trained: str, styles: list[str], awaited: bool) -> None:
    creates = space.count("create_task")
    jobs = [xiezhen.Job(styles=styles[:1], user_id=trained) for _ in range(2)]
    with pytest.raises(xiezhen.InvalidArgumentError, match="the same job"):
        run_many(space, awaited, jobs)
    assert space.count("create_task") == creates


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("function", ["on_event", "on_end"])
def test_a_callback_that_raises_ends_the_call(
    space: Space, trained: str, styles: list[str], awaited: bool, function: str
) -> None:
    def fail(_index: object, _what: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_many(space, awaited, [xiezhen.Job(styles=styles[:1], user_id=trained)], **{function: fail})


def test_cancelling_leaves_every_job_resumable(space: Space, trained: str, styles: list[str], tmp_path: Path) -> None:
    space.settings(generation_seconds=100_000)
    creates = space.count("create_task")

    def jobs() -> list[xiezhen.Job]:
        return [xiezhen.Job(styles=[style], user_id=trained) for style in styles[:3]]

    async def cancel() -> None:
        async with xiezhen.AsyncClient(space.url, **options()) as client:
            running = asyncio.ensure_future(client.run_many(jobs(), checkpoints=tmp_path))
            while len(space.tasks()) < 4:
                await asyncio.sleep(0.01)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await client.wait_for_creates()

    asyncio.run(asyncio.wait_for(cancel(), 30))
    kept = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert len(kept) == 3
    assert all(job["portraits"][0]["task_id"] and not job["portraits"][0]["intent"] for job in kept)
    space.settings(generation_seconds=0.2)
    for task in space.tasks():
        space.control("POST", f"tasks/{task['id']}", {"state": 3})
    outcomes = run_many(space, False, jobs(), checkpoints=tmp_path)
    assert [job.stage for job in outcomes] == ["done"] * 3
    assert space.count("create_task") == creates + 3


def test_ctrl_c_leaves_every_job_resumable(
    space: Space, trained: str, python: Callable[[str], Any], tmp_path: Path
) -> None:
    space.settings(generation_seconds=100_000)
    program = f"""
c = client()
jobs = [xiezhen.Job(styles=[style.style], user_id={trained!r}) for style in c.list_styles()[:3]]
tell("ready")
try:
    c.run_many(jobs, checkpoints={str(tmp_path)!r})
except KeyboardInterrupt:
    c.close()
    tell("interrupted")
"""
    process = python(program)
    until(lambda: len(space.tasks()) == 4)
    process.send_signal(2)
    out, err = process.communicate(timeout=30)
    assert "interrupted" in out, err
    kept = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert len(kept) == 3
    assert all(job["portraits"][0]["task_id"] and not job["portraits"][0]["intent"] for job in kept)
